/* See keccak.h. A state of 5 x 5 lanes of 64 bits; lane (x, y) stands at x + 5 * y. */
#include "chain/keccak.h"

#include <string.h>

#define LANES  25
#define ROUNDS 24
/* Bytes that a block of input takes: 1600 bits less twice the 256 of the hash. */
#define RATE 136

static const uint64_t round_constants[ROUNDS] = {
	UINT64_C(0x0000000000000001), UINT64_C(0x0000000000008082), UINT64_C(0x800000000000808a),
	UINT64_C(0x8000000080008000), UINT64_C(0x000000000000808b), UINT64_C(0x0000000080000001),
	UINT64_C(0x8000000080008081), UINT64_C(0x8000000000008009), UINT64_C(0x000000000000008a),
	UINT64_C(0x0000000000000088), UINT64_C(0x0000000080008009), UINT64_C(0x000000008000000a),
	UINT64_C(0x000000008000808b), UINT64_C(0x800000000000008b), UINT64_C(0x8000000000008089),
	UINT64_C(0x8000000000008003), UINT64_C(0x8000000000008002), UINT64_C(0x8000000000000080),
	UINT64_C(0x000000000000800a), UINT64_C(0x800000008000000a), UINT64_C(0x8000000080008081),
	UINT64_C(0x8000000000008080), UINT64_C(0x0000000080000001), UINT64_C(0x8000000080008008),
};

/* How far each lane is rotated. */
static const unsigned int rotations[LANES] = {
	0,  1,	62, 28, 27, 36, 44, 6,	55, 20, 3,  10, 43,
	25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14,
};

static uint64_t rotate(uint64_t lane, unsigned int bits)
{
	return bits == 0 ? lane : (lane << bits) | (lane >> (64 - bits));
}

/* Theta: each lane takes up the parity of two columns. */
static void mix_columns(uint64_t *lanes)
{
	uint64_t parity[5];

	for (size_t x = 0; x < 5; x++)
		parity[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
	for (size_t i = 0; i < LANES; i++)
		lanes[i] ^= parity[(i % 5 + 4) % 5] ^ rotate(parity[(i % 5 + 1) % 5], 1);
}

/* Rho and pi, then chi: lane (x, y) goes rotated to (y, 2x + 3y); then each row is combined. */
static void move_lanes(uint64_t *lanes)
{
	uint64_t moved[LANES];

	for (size_t x = 0; x < 5; x++) {
		for (size_t y = 0; y < 5; y++)
			moved[y + 5 * ((2 * x + 3 * y) % 5)] =
				rotate(lanes[x + 5 * y], rotations[x + 5 * y]);
	}
	for (size_t i = 0; i < LANES; i++) {
		size_t row = i - i % 5;

		lanes[i] = moved[i] ^ (~moved[row + (i + 1) % 5] & moved[row + (i + 2) % 5]);
	}
}

static void permute(uint64_t *lanes)
{
	for (size_t round = 0; round < ROUNDS; round++) {
		mix_columns(lanes);
		move_lanes(lanes);
		lanes[0] ^= round_constants[round];
	}
}

static void absorb(uint64_t *lanes, const uint8_t *block)
{
	for (size_t i = 0; i < RATE; i++)
		lanes[i / 8] ^= (uint64_t)block[i] << (8 * (i % 8));
	permute(lanes);
}

struct evm_word keccak_256(struct bytes message)
{
	uint64_t lanes[LANES] = {0};
	uint8_t last[RATE] = {0};
	struct evm_word hash;
	size_t whole = message.length - message.length % RATE;

	for (size_t i = 0; i < whole; i += RATE)
		absorb(lanes, message.data + i);
	if (message.length > whole)
		memcpy(last, message.data + whole, message.length - whole);
	last[message.length - whole] ^= 0x01;
	last[RATE - 1] ^= 0x80;
	absorb(lanes, last);
	for (size_t i = 0; i < EVM_WORD_SIZE; i++)
		hash.bytes[i] = (uint8_t)(lanes[i / 8] >> (8 * (i % 8)));
	return hash;
}
