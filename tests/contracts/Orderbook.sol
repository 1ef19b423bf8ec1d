// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Token} from "./Token.sol";

struct IO {
    address token;
    uint8 decimals;
    uint256 vaultId;
}

struct EvaluableV3 {
    address interpreter;
    address store;
    bytes bytecode;
}

struct OrderV3 {
    address owner;
    EvaluableV3 evaluable;
    IO[] validInputs;
    IO[] validOutputs;
    bytes32 nonce;
}

struct SignedContextV1 {
    address signer;
    uint256[] context;
    bytes signature;
}

struct TakeOrderConfigV3 {
    OrderV3 order;
    uint256 inputIOIndex;
    uint256 outputIOIndex;
    SignedContextV1[] signedContext;
}

struct ClearConfig {
    uint256 aliceInputIOIndex;
    uint256 aliceOutputIOIndex;
    uint256 bobInputIOIndex;
    uint256 bobOutputIOIndex;
    uint256 aliceBountyVaultId;
    uint256 bobBountyVaultId;
}

struct ClearStateChange {
    uint256 aliceOutput;
    uint256 bobOutput;
    uint256 aliceInput;
    uint256 bobInput;
}

// The second generation: amounts are floats of whole tokens, and an IO has no decimals.

struct IOV2 {
    address token;
    bytes32 vaultId;
}

struct OrderV4 {
    address owner;
    EvaluableV3 evaluable;
    IOV2[] validInputs;
    IOV2[] validOutputs;
    bytes32 nonce;
}

struct SignedContextV2 {
    address signer;
    bytes32[] context;
    bytes signature;
}

struct TakeOrderConfigV4 {
    OrderV4 order;
    uint256 inputIOIndex;
    uint256 outputIOIndex;
    SignedContextV2[] signedContext;
}

struct ClearConfigV2 {
    uint256 aliceInputIOIndex;
    uint256 aliceOutputIOIndex;
    uint256 bobInputIOIndex;
    uint256 bobOutputIOIndex;
    bytes32 aliceBountyVaultId;
    bytes32 bobBountyVaultId;
}

struct ClearStateChangeV2 {
    bytes32 aliceOutput;
    bytes32 bobOutput;
    bytes32 aliceInput;
    bytes32 bobInput;
}

/// A small orderbook that emits the events of a Raindex V4 orderbook: the same topics, the same data, in
/// the same order among the same neighbours. Vaults, orders and tokens are real; what is missing is the
/// interpreter. An order's terms stand in evaluable.bytecode as abi.encode(maximum output, io ratio), both
/// with 18 digits, and takeOrder() honours them. take() and clear() move exactly the amounts that they are
/// told, to the wei, so that a test decides them.
contract Orderbook {
    event Deposit(address sender, address token, uint256 vaultId, uint256 amount);
    event Withdraw(address sender, address token, uint256 vaultId, uint256 targetAmount, uint256 amount);
    event AddOrderV2(address sender, bytes32 orderHash, OrderV3 order);
    event RemoveOrderV2(address sender, bytes32 orderHash, OrderV3 order);
    event Context(address sender, uint256[][] context);
    event TakeOrderV2(address sender, TakeOrderConfigV3 config, uint256 input, uint256 output);
    event ClearV2(address sender, OrderV3 alice, OrderV3 bob, ClearConfig clearConfig);
    event AfterClear(address sender, ClearStateChange clearStateChange);

    event TakeOrderV3(address sender, TakeOrderConfigV4 config, bytes32 input, bytes32 output);
    event ClearV3(address sender, OrderV4 alice, OrderV4 bob, ClearConfigV2 clearConfig);
    event AfterClearV2(address sender, ClearStateChangeV2 clearStateChange);

    error NotOrderOwner();
    error OrderNotFound();
    error SameOwner();
    error TokenMismatch();
    error NegativeBounty();
    error VaultTooSmall(address token, uint256 vaultId);

    mapping(address owner => mapping(address token => mapping(uint256 vaultId => uint256))) public vaultBalance;
    mapping(bytes32 orderHash => bool) public orderExists;

    function deposit(address token, uint256 vaultId, uint256 amount) external {
        vaultBalance[msg.sender][token][vaultId] += amount;
        emit Deposit(msg.sender, token, vaultId, amount);
        Token(token).transferFrom(msg.sender, address(this), amount);
    }

    /// Takes out what is there, up to targetAmount.
    function withdraw(address token, uint256 vaultId, uint256 targetAmount) external {
        uint256 balance = vaultBalance[msg.sender][token][vaultId];
        uint256 amount = targetAmount < balance ? targetAmount : balance;
        vaultBalance[msg.sender][token][vaultId] = balance - amount;
        emit Withdraw(msg.sender, token, vaultId, targetAmount, amount);
        Token(token).transfer(msg.sender, amount);
    }

    function addOrder(OrderV3 calldata order) external {
        if (order.owner != msg.sender) revert NotOrderOwner();
        bytes32 orderHash = keccak256(abi.encode(order));
        orderExists[orderHash] = true;
        emit AddOrderV2(msg.sender, orderHash, order);
    }

    function removeOrder(OrderV3 calldata order) external {
        if (order.owner != msg.sender) revert NotOrderOwner();
        bytes32 orderHash = keccak256(abi.encode(order));
        orderExists[orderHash] = false;
        emit RemoveOrderV2(msg.sender, orderHash, order);
    }

    /// Takes up to maximumTakerInput at the order's own terms.
    function takeOrder(TakeOrderConfigV3 calldata config, uint256 maximumTakerInput) external {
        IO calldata input = config.order.validInputs[config.inputIOIndex];
        IO calldata output = config.order.validOutputs[config.outputIOIndex];
        (uint256 maximum18, uint256 ratio18) = abi.decode(config.order.evaluable.bytecode, (uint256, uint256));
        uint256 takerInput = maximum18 * 10 ** output.decimals / 1e18;
        uint256 balance = vaultBalance[config.order.owner][output.token][output.vaultId];
        if (takerInput > balance) takerInput = balance;
        if (takerInput > maximumTakerInput) takerInput = maximumTakerInput;
        // Rounded up: the order never receives less than its ratio.
        uint256 divisor = 1e18 * 10 ** output.decimals;
        uint256 takerOutput = (takerInput * ratio18 * 10 ** input.decimals + divisor - 1) / divisor;
        take(config, takerInput, takerOutput);
    }

    /// Takes exactly takerInput out of the order for exactly takerOutput. For tests: the terms are not asked.
    function take(TakeOrderConfigV3 calldata config, uint256 takerInput, uint256 takerOutput) public {
        OrderV3 calldata order = config.order;
        IO calldata input = order.validInputs[config.inputIOIndex];
        IO calldata output = order.validOutputs[config.outputIOIndex];
        requireOrder(order);
        recordVaultIO(order.owner, input, takerOutput, output, takerInput);
        emit TakeOrderV2(msg.sender, config, takerInput, takerOutput);
        Token(output.token).transfer(msg.sender, takerInput);
        Token(input.token).transferFrom(msg.sender, address(this), takerOutput);
    }

    /// Matches two orders with exactly the amounts of change. What one gives and the other does not get is
    /// the clearer's bounty.
    function clear(
        OrderV3 calldata alice,
        OrderV3 calldata bob,
        ClearConfig calldata config,
        ClearStateChange calldata change
    ) external {
        if (alice.owner == bob.owner) revert SameOwner();
        requireOrder(alice);
        requireOrder(bob);
        IO calldata aliceOutput = alice.validOutputs[config.aliceOutputIOIndex];
        IO calldata bobOutput = bob.validOutputs[config.bobOutputIOIndex];
        emit ClearV2(msg.sender, alice, bob, config);
        {
            IO calldata aliceInput = alice.validInputs[config.aliceInputIOIndex];
            IO calldata bobInput = bob.validInputs[config.bobInputIOIndex];
            if (aliceOutput.token != bobInput.token || bobOutput.token != aliceInput.token) revert TokenMismatch();
            recordVaultIO(alice.owner, aliceInput, change.aliceInput, aliceOutput, change.aliceOutput);
            recordVaultIO(bob.owner, bobInput, change.bobInput, bobOutput, change.bobOutput);
        }
        payBounty(aliceOutput.token, config.aliceBountyVaultId, change.aliceOutput, change.bobInput);
        payBounty(bobOutput.token, config.bobBountyVaultId, change.bobOutput, change.aliceInput);
        emit AfterClear(msg.sender, change);
    }

    /// A take of the second generation. Its events are what counts here: nothing is moved.
    function takeFloats(TakeOrderConfigV4 calldata config, bytes32 takerInput, bytes32 takerOutput) external {
        emit TakeOrderV3(msg.sender, config, takerInput, takerOutput);
    }

    /// Reads prices as an order's expression does, by each of these calls in turn; one that fails is passed over. Before a
    /// take in one multicall, it is what the order read.
    function readPrices(address oracle, bytes[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; i++) {
            (bool done,) = oracle.staticcall(calls[i]);
            pricesRead += done ? 1 : 0;
        }
    }

    uint256 public pricesRead;

    /// A clear of the second generation, likewise.
    function clearFloats(
        OrderV4 calldata alice,
        OrderV4 calldata bob,
        ClearConfigV2 calldata config,
        ClearStateChangeV2 calldata change
    ) external {
        emit ClearV3(msg.sender, alice, bob, config);
        emit AfterClearV2(msg.sender, change);
    }

    /// Several calls in one transaction, each with the caller as its sender.
    function multicall(bytes[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; i++) {
            (bool done, bytes memory answer) = address(this).delegatecall(calls[i]);
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(answer, 32), mload(answer))
                }
            }
        }
    }

    /// TEST DOOR, no real orderbook has it: logs any data under any topic, to see what readers make of it.
    function emitRaw(bytes32 topic, bytes calldata data) external {
        bytes memory copy = data;
        assembly ("memory-safe") {
            log1(add(copy, 32), mload(copy), topic)
        }
    }

    function requireOrder(OrderV3 calldata order) private view {
        if (!orderExists[keccak256(abi.encode(order))]) revert OrderNotFound();
    }

    /// What came in is added to the input vault, what went out is taken from the output vault.
    function recordVaultIO(
        address owner,
        IO calldata input,
        uint256 inputAmount,
        IO calldata output,
        uint256 outputAmount
    ) private {
        uint256 balance = vaultBalance[owner][output.token][output.vaultId];
        if (balance < outputAmount) revert VaultTooSmall(output.token, output.vaultId);
        vaultBalance[owner][output.token][output.vaultId] = balance - outputAmount;
        vaultBalance[owner][input.token][input.vaultId] += inputAmount;

        uint256[][] memory context = new uint256[][](2);
        context[0] = new uint256[](2);
        context[0][0] = uint256(uint160(msg.sender));
        context[0][1] = uint256(uint160(address(this)));
        context[1] = new uint256[](2);
        context[1][0] = inputAmount;
        context[1][1] = outputAmount;
        emit Context(msg.sender, context);
    }

    function payBounty(address token, uint256 vaultId, uint256 given, uint256 received) private {
        if (given < received) revert NegativeBounty();
        vaultBalance[msg.sender][token][vaultId] += given - received;
    }
}
