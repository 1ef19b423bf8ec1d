// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Several calls in one transaction, for anyone: fills at two orderbooks, say. The callee sees the router
/// as its sender, so the router must hold the tokens that a take costs, and have approved them.
contract Router {
    function execute(address[] calldata targets, bytes[] calldata calls) external {
        for (uint256 i = 0; i < targets.length; i++) {
            (bool done, bytes memory answer) = targets[i].call(calls[i]);
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(answer, 32), mload(answer))
                }
            }
        }
    }
}
