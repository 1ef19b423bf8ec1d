// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Token} from "./Token.sol";

/// An ERC-4626 vault as far as its shares are traded: what a share is worth changes when a dividend or a split does
/// (anyone may say so here), and with it what convertToAssets answers from that block on.
contract Vault is Token {
    address public immutable asset;
    uint256 public assetsPerShare; // 18 digits

    constructor(string memory name_, string memory symbol_, address asset_)
        Token(name_, symbol_, Token(asset_).decimals())
    {
        asset = asset_;
        assetsPerShare = 1e18;
    }

    function setAssetsPerShare(uint256 value) external {
        assetsPerShare = value;
    }

    function convertToAssets(uint256 shares) external view returns (uint256) {
        require(assetsPerShare != 0, "closed");
        return shares * assetsPerShare / 1e18;
    }
}
