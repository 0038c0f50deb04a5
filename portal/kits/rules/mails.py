"""Which mails there are about kits, and who wants which unless they say otherwise."""

from portal.kits import states
from portal.kits.states import ShipmentState
from portal.kits.states.mails import Topic

# What a member reads beside each choice.
TOPICS = {
    Topic.ADDRESS: "We need your address",
    Topic.REMINDERS: "Reminders: an address that is missing, a return that is due",
    Topic.HANDED_OVER: "The carrier has your kit, with its tracking number",
    Topic.TROUBLE: "Customs or the carrier hold it up",
    Topic.OUT: "It is out for delivery today",
    Topic.PICKUP: "It waits for you at the carrier’s place",
    Topic.DELIVERED: "The carrier says that it is delivered",
    Topic.ANSWERS: "Your wish for a replacement is answered",
    Topic.RETURNS: "A return: how to send it, and that it has arrived",
}
# Nothing can be sent without it, so it is always asked for.
ALWAYS = frozenset({Topic.ADDRESS})
# What the member who leads is told unless they choose otherwise. The others are told what they choose.
USUAL = frozenset(Topic) - {Topic.OUT}

# The mail of each step of a parcel, whoever brings the news.
NEWS = {
    states.REQUEST_ADDRESS.name: "address_requested", states.HAND_OVER.name: "handed_over",
    states.CUSTOMS.name: "customs_hold", states.EXCEPT.name: "exception", states.OUT.name: "out_for_delivery",
    states.PICKUP.name: "available_for_pickup", states.DELIVER.name: "delivered",
}  # fmt: skip
TOPIC_OF = {
    "address_requested": Topic.ADDRESS, "address_reminder": Topic.REMINDERS, "handed_over": Topic.HANDED_OVER,
    "customs_hold": Topic.TROUBLE, "exception": Topic.TROUBLE, "out_for_delivery": Topic.OUT,
    "available_for_pickup": Topic.PICKUP, "delivered": Topic.DELIVERED, "replacement_planned": Topic.ANSWERS,
    "replacement_refused": Topic.ANSWERS, "return_announced": Topic.RETURNS, "return_arrived": Topic.RETURNS,
    "return_cancelled": Topic.RETURNS, "return_reminder": Topic.REMINDERS,
}  # fmt: skip
# What is no news any more when the parcel has moved on before the mail goes.
ONLY_WHILE = {
    "address_requested": ShipmentState.ADDRESS_REQUESTED, "address_reminder": ShipmentState.ADDRESS_REQUESTED,
    "customs_hold": ShipmentState.CUSTOMS_HOLD, "exception": ShipmentState.EXCEPTION,
    "out_for_delivery": ShipmentState.OUT_FOR_DELIVERY, "available_for_pickup": ShipmentState.AVAILABLE_FOR_PICKUP,
    "delivered": ShipmentState.DELIVERED,
}  # fmt: skip


def wants(topic: Topic, *, leads: bool, chosen: bool | None) -> bool:
    """Whether a member is told of something; `chosen` is what they said, if anything."""
    if topic in ALWAYS and leads:
        return True
    return chosen if chosen is not None else leads and topic in USUAL
