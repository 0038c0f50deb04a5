"""Seeds that are bound to before they are used."""

import hashlib
import subprocess

from portal.core import seeds

SEED = "5eed" * 16


def test_a_seed_is_256_bits_of_chance() -> None:
    drawn = [seeds.draw() for _ in range(3)]

    assert len(set(drawn)) == 3
    assert all(len(seed) == 64 and set(seed) <= set("0123456789abcdef") for seed in drawn)


def test_the_commitment_is_the_hash_of_the_digits() -> None:
    assert seeds.commitment(SEED) == hashlib.sha256(SEED.encode()).hexdigest()


def test_what_is_drawn_is_what_openssl_says() -> None:
    told = [
        subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout.split()[-1]
        for line in seeds.recipe(SEED, "a" * 32)
    ]

    assert told == [seeds.commitment(SEED), seeds.drawn(SEED, "a" * 32)]
