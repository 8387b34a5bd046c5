# SPDX-License-Identifier: Apache-2.0
"""cawe::Random (tensor/random.h) in NumPy: the same streams, so that tests need no stored weights or inputs."""
import numpy as np

_MASK = (1 << 64) - 1
_U32 = np.uint64(0xFFFFFFFF)


def _mix(h, value):
    for i in range(8):
        h = ((h ^ ((value >> (8 * i)) & 0xFF)) * 0x100000001B3) & _MASK
    return h


def philox4x32(counter, key):
    """counter: four uint64 arrays holding 32-bit words; key: two ints. Ten rounds; four uint64 arrays."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    shift = np.uint64(32)
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c0
        p1 = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = ((p1 >> shift) ^ c1 ^ np.uint64(k0), p1 & _U32,
                          (p0 >> shift) ^ c3 ^ np.uint64(k1), p0 & _U32)
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


class Random:
    """Values at elements 0 .. n-1 of the stream (seed, purpose, a, b, c)."""

    def __init__(self, seed, purpose='', a=0, b=0, c=0):
        h = 0xCBF29CE484222325
        for ch in purpose.encode():
            h = ((h ^ ch) * 0x100000001B3) & _MASK
        key = _mix(_mix(h, seed), a)
        self.key = (key & 0xFFFFFFFF, key >> 32)
        self.high = _mix(_mix(key, b), c)

    def _blocks(self, n, key):
        e = np.arange(n, dtype=np.uint64)
        high = [np.full(n, w, np.uint64) for w in (self.high & 0xFFFFFFFF, self.high >> 32)]
        return philox4x32((e & _U32, e >> np.uint64(32), high[0], high[1]), key)

    def bits(self, n):
        out = np.empty((n + 3) // 4 * 4, np.uint32)
        step = 1 << 20  # blocks at a time: keeps the intermediates small
        for begin in range(0, out.size // 4, step):
            e = np.arange(begin, min(begin + step, out.size // 4), dtype=np.uint64)
            high = [np.full(e.size, w, np.uint64) for w in (self.high & 0xFFFFFFFF, self.high >> 32)]
            words = philox4x32((e & _U32, e >> np.uint64(32), high[0], high[1]), self.key)
            out[4 * begin:4 * (begin + e.size)] = np.stack(words, 1).astype(np.uint32).reshape(-1)
        return out[:n]

    def uniform(self, n):
        """[0, 1) in steps of 2^-24, exact, as float64."""
        return (self.bits(n) >> np.uint32(8)).astype(np.float64) * 2.0 ** -24

    def uniform_double(self, n):
        r = self._blocks(n, (self.key[0] ^ 0x5BF03635, self.key[1]))
        return ((r[0] << np.uint64(21)) ^ (r[1] >> np.uint64(11))).astype(np.float64) * 2.0 ** -53

    def normal(self, n):
        r = self._blocks(n, (self.key[0] ^ 0x3C6EF372, self.key[1]))
        u = (r[0].astype(np.float64) + 0.5) * 2.0 ** -32
        v = (r[1].astype(np.float64) + 0.5) * 2.0 ** -32
        return np.sqrt(-2.0 * np.log(u)) * np.cos(2.0 * np.pi * v)
