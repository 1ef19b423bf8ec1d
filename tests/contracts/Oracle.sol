// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// A Pyth contract as far as an order reads it, behind a proxy as the real one is: a price for each feed, which anyone may
/// set. What was never set reverts.
contract Oracle {
    struct Price {
        int64 price;
        uint64 conf;
        int32 expo;
        uint256 publishTime;
    }

    error PriceFeedNotFound();

    mapping(bytes32 feed => Price) private prices;

    function setPrice(bytes32 feed, int64 price, uint64 conf, int32 expo, uint256 publishTime) external {
        prices[feed] = Price(price, conf, expo, publishTime);
    }

    function getPriceUnsafe(bytes32 feed) public view returns (Price memory price) {
        price = prices[feed];
        if (price.publishTime == 0) revert PriceFeedNotFound();
    }

    function getPriceNoOlderThan(bytes32 feed, uint256) external view returns (Price memory) {
        return getPriceUnsafe(feed);
    }

    function getEmaPriceUnsafe(bytes32 feed) external view returns (Price memory) {
        return getPriceUnsafe(feed);
    }

    function getEmaPriceNoOlderThan(bytes32 feed, uint256) external view returns (Price memory) {
        return getPriceUnsafe(feed);
    }
}
