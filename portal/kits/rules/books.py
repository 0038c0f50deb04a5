"""The counter of places and kits: what is there, what is promised, and what is missing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """A place that is promised a kit and lacks units of it, by model.

    `holder` is who is to have it; a parcel that is still empty is filled at the bench and has no holder.
    """

    holder: str
    participant_id: int | None
    lacks: Mapping[int, int]


class Books(NamedTuple):
    """What each place gets, by model; the units in stock; and the places that lack something."""

    contents: Mapping[int, int]
    stock: Mapping[int, int]
    places: Sequence[Place]

    @property
    def counted(self) -> bool:
        """Whether anything is sent at all: a challenge without a model of kit sends none."""
        return bool(self.contents)

    @property
    def free(self) -> int:
        """Kits that are there whole and that nobody is promised."""
        lacking = lacking_of(self.places)
        whole = [(self.stock.get(model, 0) - lacking[model]) // each for model, each in self.contents.items()]
        return max(0, min(whole, default=0))

    def missing(self, wanted: Sequence[Place]) -> int:
        """How many kits are missing for these places, once all others have what they are promised."""
        holders = {place.holder for place in wanted}
        others = lacking_of(place for place in self.places if place.holder not in holders)
        needed = lacking_of(wanted)
        short = [
            -((self.stock.get(model, 0) - others[model] - needed[model]) // each)
            for model, each in self.contents.items()
            if needed[model]
        ]
        return max(0, *short, 0)


def lacking_of(places: Iterable[Place]) -> Counter[int]:
    """All that some places lack, by model."""
    total: Counter[int] = Counter()
    for place in places:
        total.update(place.lacks)
    return total


def lacks(contents: Mapping[int, int], has: Mapping[int, int]) -> dict[int, int]:
    """What a place lacks that has some units already, by model."""
    return {model: each - has.get(model, 0) for model, each in contents.items() if has.get(model, 0) < each}
