// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Passes every call on with its own storage.
contract OracleProxy {
    address private immutable implementation;

    constructor(address implementation_) {
        implementation = implementation_;
    }

    fallback(bytes calldata data) external returns (bytes memory) {
        (bool done, bytes memory answer) = implementation.delegatecall(data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
        return answer;
    }
}
