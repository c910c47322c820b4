"""`python -I -m remediation.gate` is the gate."""

from remediation.gate.serve import main

raise SystemExit(main())
