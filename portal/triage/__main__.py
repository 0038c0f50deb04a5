"""`python -m portal.triage`."""

import sys

from portal.triage.cli import main

sys.exit(main())
