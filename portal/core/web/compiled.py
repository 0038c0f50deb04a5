"""Templates as they were compiled, for every process to come: to compile those of a page takes longer than the rest."""

from contextlib import suppress

import jinja2
from flask import Flask
from jinja2.bccache import Bucket, FileSystemBytecodeCache
from typing_extensions import override

from portal.config import Config


class Compiled(FileSystemBytecodeCache):
    """A folder of them, which nobody else may read or write. Each is known by its source, and made anew when that
    changes; so no template asks a filter of ours about a constant, of which the answer would be compiled in. A file or
    a disk with a fault makes pages slower, and never fails them.
    """

    @override
    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:  # whatever may lie in a file
            bucket.reset()

    @override
    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def init_compiled(app: Flask, config: Config) -> None:
    """Keep compiled templates in the data folder, apart by version of what has compiled them."""
    folder = config.data / "compiled"
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    app.jinja_env.bytecode_cache = Compiled(str(folder), f"{jinja2.__version__}-%s")
