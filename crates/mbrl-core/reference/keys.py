"""The value-stability numbers of `Key` and the words behind the noise, from ChaCha8 written out by its definition.

    python3 crates/mbrl-core/reference/keys.py

prints what the tests `key::tests::value_stability` and `noise::tests::value_stability` hold. Standard library only.
"""

import math
import struct

ROOT, AT, LABEL, LABEL_END, NORMALS, UNIFORMS = 1, 2, 3, 4, 5, 6


def rotate(x, n):
    return ((x << n) | (x >> (32 - n))) & 0xFFFFFFFF


def chacha8(seed, counter, stream):
    """Block `counter` of stream `stream`: 64 bytes."""
    state = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", seed))
    state += [counter & 0xFFFFFFFF, counter >> 32, stream & 0xFFFFFFFF, stream >> 32]
    x = state[:]

    def quarter(a, b, c, d):
        for p, q, r, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[p] = (x[p] + x[q]) & 0xFFFFFFFF
            x[r] = rotate(x[r] ^ x[p], n)

    for _ in range(4):
        for i in range(4):
            quarter(i, i + 4, i + 8, i + 12)
        for i in range(4):
            quarter(i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(x, state)))


class Key:
    def __init__(self, seed, word, role):
        self.seed, self.word, self.role = seed, word, role

    @staticmethod
    def root(seed):
        return Key(b"mbrl key tree over ChaCha8, v1  ", seed, ROOT)

    def block(self):
        return chacha8(self.seed, self.role, self.word)[:32]

    def at(self, i):
        return Key(self.block(), i, AT)

    def child(self, label):
        key, data = self, label.encode()
        for i in range(0, len(data), 8):
            word = int.from_bytes(data[i : i + 8].ljust(8, b"\0"), "little")
            key = Key(key.block(), word, LABEL)
        return Key(key.block(), len(data), LABEL_END)

    def words(self, n):
        data = b"".join(chacha8(self.block(), 16 + i, 0) for i in range(n // 16 + 1))
        return struct.unpack(f"<{n}I", data[: 4 * n])

    def bits(self):
        low, high = self.words(2)
        return high << 32 | low


root = Key.root(0)
paths = [root, Key.root(1), root.child("model"), root.child("policy"), root.child("a longer label"), root.at(0),
         root.at(1), root.at(2**64 - 1), root.child("model").at(7), root.at(7).child("model")]
print("keys:", *(key.bits() for key in paths), sep="\n  ")

at = [0, 1, 2, 127, 128, 255, 256, 299]
noise = root.child("noise")
words = Key(noise.block(), 0, UNIFORMS).words(512)
print("uniforms, times 2^24:", *(words[i] >> 8 for i in at), sep="\n  ")
words = Key(noise.block(), 0, NORMALS).words(512)
print("normals, in double precision:")
for i in at:
    block, i = words[i // 64 * 64 :], i % 64
    radius = math.sqrt(-2 * math.log(((block[i % 32] >> 1) + 0.5) / 2**31))
    angle = block[i % 32 + 32] / 2**32 * math.tau
    print(" ", radius * (math.cos(angle) if i < 32 else math.sin(angle)))
