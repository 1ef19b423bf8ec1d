// The events of Raindex orderbooks, both generations, for decoders that know nothing of our C code.
import { parseAbi } from 'viem';

export const ORDERBOOK_ABI = parseAbi([
  'struct EvaluableV3 { address interpreter; address store; bytes bytecode; }',
  'struct IO { address token; uint8 decimals; uint256 vaultId; }',
  'struct OrderV3 { address owner; EvaluableV3 evaluable; IO[] validInputs; IO[] validOutputs; bytes32 nonce; }',
  'struct SignedContextV1 { address signer; uint256[] context; bytes signature; }',
  'struct TakeOrderConfigV3 { OrderV3 order; uint256 inputIOIndex; uint256 outputIOIndex; SignedContextV1[] signedContext; }',
  'struct ClearConfig { uint256 aliceInputIOIndex; uint256 aliceOutputIOIndex; uint256 bobInputIOIndex; uint256 bobOutputIOIndex; uint256 aliceBountyVaultId; uint256 bobBountyVaultId; }',
  'struct ClearStateChange { uint256 aliceOutput; uint256 bobOutput; uint256 aliceInput; uint256 bobInput; }',
  'event TakeOrderV2(address sender, TakeOrderConfigV3 config, uint256 input, uint256 output)',
  'event ClearV2(address sender, OrderV3 alice, OrderV3 bob, ClearConfig clearConfig)',
  'event AfterClear(address sender, ClearStateChange clearStateChange)',
  'struct IOV2 { address token; bytes32 vaultId; }',
  'struct OrderV4 { address owner; EvaluableV3 evaluable; IOV2[] validInputs; IOV2[] validOutputs; bytes32 nonce; }',
  'struct SignedContextV2 { address signer; bytes32[] context; bytes signature; }',
  'struct TakeOrderConfigV4 { OrderV4 order; uint256 inputIOIndex; uint256 outputIOIndex; SignedContextV2[] signedContext; }',
  'struct ClearConfigV2 { uint256 aliceInputIOIndex; uint256 aliceOutputIOIndex; uint256 bobInputIOIndex; uint256 bobOutputIOIndex; bytes32 aliceBountyVaultId; bytes32 bobBountyVaultId; }',
  'struct ClearStateChangeV2 { bytes32 aliceOutput; bytes32 bobOutput; bytes32 aliceInput; bytes32 bobInput; }',
  'event TakeOrderV3(address sender, TakeOrderConfigV4 config, bytes32 input, bytes32 output)',
  'event ClearV3(address sender, OrderV4 alice, OrderV4 bob, ClearConfigV2 clearConfig)',
  'event AfterClearV2(address sender, ClearStateChangeV2 clearStateChange)',
]);
