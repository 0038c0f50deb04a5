"""The portal: one folder a capability, one file a layer.

Imports point one way only:

    demo → home → results → {awards | office_hours} → {reports | kits | line} → selection → applications → challenges
    → accounts → core

`factory`, `cli` and `worker` stand on top. Inside a room, imports point down this list:

    views, api → commands, jobs → forms → actions → queries → rules → models → states
"""
