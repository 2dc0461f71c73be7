"""An examination of this machine: facts gathered, then judged."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from typing import Any

from ganport_runtime.doctor import elf, hardware, packages, probes
from ganport_runtime.doctor.checks import findings
from ganport_runtime.doctor.findings import Finding
from ganport_runtime.doctor.system_info import Facts


@dataclass(frozen=True)
class Examination:
    """Facts, and what the checks make of them."""

    facts: Facts

    @property
    def findings(self) -> list[Finding]:
        return findings(self.facts)

    @property
    def drawing(self) -> tuple[str, ...]:
        """The devices that drew."""
        return tuple(trial.device for trial in self.facts.trials if not trial.error)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "devices": list(self.drawing),
            "findings": [asdict(finding) for finding in self.findings],
            "facts": asdict(self.facts),
        }


def examine() -> Examination:
    """Look at this machine and try each of its devices, which takes a second or two for each."""
    versions = packages.versions()
    driver = hardware.driver()
    cuda = elf.provider("cuda")
    names = probes.devices(versions, driver)
    facts = Facts(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        processor=hardware.processor(),
        packages=packages.of_interest(versions),
        lacking=packages.lacking(packages.requirements(), versions),
        driver=driver,
        cuda_needed=elf.cuda_major(cuda) if cuda else None,
        trials=tuple(probes.attempt(name) for name in names),
    )
    return Examination(facts)
