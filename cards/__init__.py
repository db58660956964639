"""From an order to the response that answers it: read the order and who pays, find the policies it touches,
decide, and say so in cards and system actions. (The name is narrow: coverage information, the answer written
onto the order, is never a card, and is made here too.)

This package is pure: no Flask, no network, no files, no clock, no randomness. The day, the ids and the
options are arguments. Only the `read_*` functions see dictionaries; everything after them is a frozen value.
The data beside the code (policies, payers, vocabulary) is read by `cds_hooks.policy_files`, not from here.
"""

from cards.coding import CodeSystems
from cards.coverage import Coverage, Payer, PayerDirectory, choose_coverage, read_coverage, read_payer, same_reference
from cards.decision import Decision, Paying, decide
from cards.errors import CardsError, DocumentError
from cards.matching import PolicyIndex
from cards.order import ORDER_TYPES, Order, read_order
from cards.policy import Policy, read_policy
from cards.reading import Fault
from cards.response import Answered, HookResponse, ResponseOptions, respond
from cards.versions import CRD_2_0
from cards.vocabulary import Vocabulary, read_code_systems, read_vocabulary
from cards.wording import explain

__all__ = [
    "CRD_2_0",
    "ORDER_TYPES",
    "Answered",
    "CardsError",
    "CodeSystems",
    "Coverage",
    "Decision",
    "DocumentError",
    "Fault",
    "HookResponse",
    "Order",
    "Payer",
    "PayerDirectory",
    "Paying",
    "Policy",
    "PolicyIndex",
    "ResponseOptions",
    "Vocabulary",
    "choose_coverage",
    "decide",
    "explain",
    "read_code_systems",
    "read_coverage",
    "read_order",
    "read_payer",
    "read_policy",
    "read_vocabulary",
    "respond",
    "same_reference",
]
