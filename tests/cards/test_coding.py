"""Codes: every spelling of a code system, and every way to write a code of one, is one code."""

import pytest

from cards.coding import CodeSystems, Coding
from cds_hooks.rules.loading import Rules

HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
CPT = "http://www.ama-assn.org/go/cpt"
NDC = "http://hl7.org/fhir/sid/ndc"


@pytest.fixture(name="systems")
def _systems(rules: Rules) -> CodeSystems:
    return rules.vocabulary.code_systems


@pytest.mark.parametrize(
    "code",
    [
        "M0076", "m0076", " M0076 ", "M0076-RT", "M0076 50", "M0076RT", "M0076.RT", "M0076:RT", "m0076-rt", "M0076-RT-59",
        "M0076 RT 59", "M0076RT59", "M0076,RT", "M0076/RT", "M0076-1P", "M0076-X1", "M0076^RT", "M0076 -RT ", "M0076-RT-LT-59-XS", "M0076-",
    ],
)  # fmt: skip
def test_a_modifier_is_no_part_of_the_code(code: str, systems: CodeSystems) -> None:
    assert systems.coding(HCPCS, code) == Coding("HCPCS", "M0076")


@pytest.mark.parametrize(
    ("code", "base"),
    [("20550-RT", "20550"), ("2055050", "20550"), ("20550", "20550"), ("99213-25", "99213"), ("0232T", "0232T"), ("0232T-RT", "0232T"), ("0232TRT", "0232T"), ("0001U", "0001U"), ("1111F-1P", "1111F")],
)  # fmt: skip
def test_a_code_of_every_category_of_cpt_keeps_its_letter(code: str, base: str, systems: CodeSystems) -> None:
    assert systems.coding(CPT, code) == Coding("CPT", base)


@pytest.mark.parametrize(
    "code",
    [
        "M0076-R",
        "M0076-RTX",
        "M0076-M0077",
        "20600-20611",
        "M00760",
        "M0076-RT-LT-59-XS-GA",
        "M0076-ÄÖ",
        "M0076?",
        "INJ-1",
    ],
)
def test_what_is_no_modifier_stays(code: str, systems: CodeSystems) -> None:
    assert systems.coding(HCPCS, code) == Coding("HCPCS", code)


def test_only_procedures_have_modifiers(systems: CodeSystems) -> None:
    assert systems.coding("http://hl7.org/fhir/sid/icd-10-cm", "M25.561") == Coding("ICD-10-CM", "M25.561")
    assert systems.coding("http://hospital.example.org/codes", "M0076-RT").code == "M0076-RT"


@pytest.mark.parametrize(
    "system",
    [
        HCPCS, "http://cms.gov/Medicare/Coding/HCPCSReleaseCodeSets/", "http://www.nlm.nih.gov/research/umls/hcpcs", "http://hl7.org/fhir/sid/hcpcs",
        "https://hl7.org/fhir/sid/hcpcs", "urn:oid:2.16.840.1.113883.6.14", "2.16.840.1.113883.6.14", "urn:oid:2.16.840.1.113883.6.285",
        "2.16.840.1.113883.6.285", "URN:OID:2.16.840.1.113883.6.285", "HCPCS", "hcpcs", " HCPCS ", "HCPCS Level II",
        "http://terminology.hl7.org/CodeSystem/HCPCS-all-codes", "HTTP://TERMINOLOGY.HL7.ORG/CodeSystem/HCPCS-all-codes",
        "http://www.nlm.nih.gov/research/umls/hcpcs|2026", f"{HCPCS}/|2026-04", "urn:oid:2.16.840.1.113883.6.285|1", "HCPCS|2026",
    ],
)  # fmt: skip
def test_every_spelling_of_hcpcs_is_hcpcs(system: str, systems: CodeSystems) -> None:
    assert systems.coding(system, "M0076") == Coding("HCPCS", "M0076")


@pytest.mark.parametrize(
    ("system", "name"),
    [
        (CPT, "CPT"), ("https://www.ama-assn.org/go/cpt", "CPT"), ("ama-assn.org/go/cpt", "CPT"), ("urn:oid:2.16.840.1.113883.6.12", "CPT"), ("2.16.840.1.113883.6.12", "CPT"),
        ("CPT", "CPT"), ("CPT4", "CPT"), ("cpt-4", "CPT"), (f"{CPT}|2026", "CPT"),
        ("ICD-10-CM", "ICD-10-CM"), ("ICD10CM", "ICD-10-CM"), ("2.16.840.1.113883.6.90", "ICD-10-CM"), ("https://hl7.org/fhir/sid/icd-10-cm", "ICD-10-CM"),
        ("http://snomed.info/sct|http://snomed.info/sct/731000124108", "SNOMED CT"), ("SNOMED", "SNOMED CT"), ("2.16.840.1.113883.6.96", "SNOMED CT"),
        ("http://www.nlm.nih.gov/research/umls/rxnorm/", "RxNorm"), ("RxNorm", "RxNorm"), ("RXNORM", "RxNorm"), ("2.16.840.1.113883.6.88", "RxNorm"),
        ("NDC", "NDC"), ("urn:oid:2.16.840.1.113883.6.69", "NDC"), ("2.16.840.1.113883.6.69", "NDC"),
    ],
)  # fmt: skip
def test_every_spelling_of_a_code_system_is_that_one(system: str, name: str, systems: CodeSystems) -> None:
    assert systems.coding(system, "12345").system == name


def test_an_unknown_system_stays_what_it_is(systems: CodeSystems) -> None:
    assert systems.coding("http://hospital.example.org/codes/", "x") == Coding("hospital.example.org/codes", "X")


def test_a_procedure_under_the_label_of_the_other_level_is_the_same_procedure(systems: CodeSystems) -> None:
    """HCPCS Level I is CPT; no CPT code begins with a letter."""
    assert systems.coding(CPT, "M0076") == Coding("HCPCS", "M0076")
    assert systems.coding(HCPCS, "20550-RT") == Coding("CPT", "20550")


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("0002-7597-01", "00002759701"),  # 4-4-2
        ("67850-140-05", "67850014005"),  # 5-3-2
        ("67850-1400-5", "67850140005"),  # 5-4-1
        ("67850-0140-05", "67850014005"),  # 5-4-2
        ("67850014005", "67850014005"),
        (" 67850-140-05 ", "67850014005"),
        ("123456-140-05", "123456014005"),  # a labeler of six digits (21 CFR 207.33)
        ("no code", "NO CODE"),
    ],
)
def test_a_drug_code_has_one_form_of_eleven_digits(code: str, digits: str, systems: CodeSystems) -> None:
    assert systems.readings(NDC, code) == (Coding("NDC", digits),)


def test_ten_digits_without_hyphens_may_be_of_any_format(systems: CodeSystems) -> None:
    found = [coding.code for coding in systems.readings(NDC, "6785014005")]

    assert found == ["06785014005", "67850014005", "67850140005"]  # 4-4-2, 5-3-2, 5-4-1


def test_the_beginning_of_a_drug_code_is_whole_segments(systems: CodeSystems) -> None:
    assert systems.prefix("NDC", "67850-140") == "678500140"
    assert systems.prefix("NDC", "678500140") == "678500140"
    assert systems.prefix("ICD-10-CM", " s39.012 ") == "S39.012"


@pytest.mark.parametrize("code", ["67850-140-05", "67850-0140-05", "6785014005", "67850014005"])
def test_a_drug_is_known_in_every_form_of_its_code(code: str, rules: Rules) -> None:
    drug = rules.vocabulary.lists["sclerosing-agents"]
    codings = rules.vocabulary.code_systems.readings(NDC, code)

    assert any(pattern.matches(coding) for pattern in drug.codes for coding in codings)
