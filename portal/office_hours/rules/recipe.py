"""How anybody draws a round again: a program that needs nothing but Python and the downloaded file."""

RECIPE = """\
import hashlib, hmac, json, math, sys
from fractions import Fraction

told = json.load(open(sys.argv[1], encoding="utf-8"))
seed, requests = told["seed"].encode(), told["requests"]
assert hashlib.sha256(seed).hexdigest() == told["commitment"], "This is not the seed that was bound to."

scale = math.lcm(*(Fraction(request["weight"]).numerator for request in requests))

def key(request):  # u ** (scale / weight), exactly
    number = int(hmac.new(seed, request["id"].encode(), "sha256").hexdigest(), 16)
    return Fraction(number + 1, 2**256) ** int(scale / Fraction(request["weight"]))

free = {int(slot): seats for slot, seats in told["seats"].items()}
turns = sorted(requests, key=lambda request: (request["tier"], -key(request), request["id"]))
for place, request in enumerate(turns, 1):
    slot = next((slot for slot in request["wishes"] if free.get(slot, 0) > 0), None)
    if slot is not None:
        free[slot] -= 1
    assert (place, slot) == (request["place"], request["slot"]), "Not so: " + request["id"]
    print(place, request["id"], slot or "-")
print("The draw holds.")
"""
