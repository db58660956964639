"""From an order to the response that answers it: read the order and who pays, find the policies it touches,
decide, and say so in cards and system actions. (The name is narrow: coverage information, the answer written
onto the order, is never a card, and is made here too.)

This package is pure: no Flask, no network, no files, no clock, no randomness. The day, the ids and the
options are arguments. Only the `read_*` functions see dictionaries; everything after them is a frozen value.
The data beside the code (policies, payers, vocabulary) is read by `cds_hooks.rules.loading`, not from here.
"""

from cards.authorization import Authorization, OnFile
from cards.circumstances import PLACE_OF_SERVICE, Circumstances
from cards.coding import CodeSystems
from cards.conditions import PLACES
from cards.coverage import Coverage, CoverageProblem, Identifier, identifier, is_of_record, read_coverage
from cards.coverage_outcome import ANSWERED, AnswerRule, CoverageOutcome, find_outcome
from cards.decision import Basis, Decision, decide, fail, set_aside
from cards.elements import Fault, OrderText, Place
from cards.errors import CardsError, DocumentError
from cards.matching.policy_index import PolicyIndex
from cards.member import FoundMember, LookUp, Member, MemberHint, choose_member, read_hint
from cards.membership import describe_member, may_be_asked, settle
from cards.npi import NPI, is_npi
from cards.order import Order
from cards.order_reader import ORDER_TYPES, read_order
from cards.payer_directory import Payer, PayerDirectory, read_payer
from cards.payer_selection import (
    NamedCoverage,
    PayerChoice,
    SentCoverages,
    choose_coverages,
    find_paying,
    set_apart,
)
from cards.policy import Policy
from cards.policy_reader import read_policy
from cards.references import (
    Entry,
    ReferenceIndex,
    find_contained,
    fold_base,
    is_id,
    literal_reference,
    read_reference,
    record_key,
    same_base,
    same_reference,
)
from cards.response.annotation import URL as COVERAGE_INFORMATION
from cards.response.doubts import rests_on
from cards.response.identity import ASSERTION, NO_PAYER, SUGGESTION
from cards.response.options import ResponseOptions
from cards.response.respond import Answered, HookResponse, calls_for_card, respond
from cards.response.versions import WIRE_VERSIONS, WireVersion
from cards.response.wording import explain
from cards.satisfaction import asks_authorization, satisfy
from cards.service_days import ServiceDays
from cards.vocabulary import Vocabulary, read_code_systems, read_vocabulary

__all__ = [
    "ANSWERED",
    "ASSERTION",
    "COVERAGE_INFORMATION",
    "NO_PAYER",
    "NPI",
    "ORDER_TYPES",
    "PLACES",
    "PLACE_OF_SERVICE",
    "SUGGESTION",
    "WIRE_VERSIONS",
    "AnswerRule",
    "Answered",
    "Authorization",
    "Basis",
    "CardsError",
    "Circumstances",
    "CodeSystems",
    "Coverage",
    "CoverageOutcome",
    "CoverageProblem",
    "Decision",
    "DocumentError",
    "Entry",
    "Fault",
    "FoundMember",
    "HookResponse",
    "Identifier",
    "LookUp",
    "Member",
    "MemberHint",
    "NamedCoverage",
    "OnFile",
    "Order",
    "OrderText",
    "Payer",
    "PayerChoice",
    "PayerDirectory",
    "Place",
    "Policy",
    "PolicyIndex",
    "ReferenceIndex",
    "ResponseOptions",
    "SentCoverages",
    "ServiceDays",
    "Vocabulary",
    "WireVersion",
    "asks_authorization",
    "calls_for_card",
    "choose_coverages",
    "choose_member",
    "decide",
    "describe_member",
    "explain",
    "fail",
    "find_contained",
    "find_outcome",
    "find_paying",
    "fold_base",
    "identifier",
    "is_id",
    "is_npi",
    "is_of_record",
    "literal_reference",
    "may_be_asked",
    "read_code_systems",
    "read_coverage",
    "read_hint",
    "read_order",
    "read_payer",
    "read_policy",
    "read_reference",
    "read_vocabulary",
    "record_key",
    "respond",
    "rests_on",
    "same_base",
    "same_reference",
    "satisfy",
    "set_apart",
    "set_aside",
    "settle",
]
