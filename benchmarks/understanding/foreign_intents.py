"""Another project's labels mapped to ours: BANKING77's 77 intents as categories of the shipped e-wallet desk.

The authors of this project did not write those sentences, so they test the shipped examples honestly, in English. An
intent that fits none of our categories, or two of them, is left out.
"""

from __future__ import annotations

from typing import Final

BANKING77: Final[dict[str, str]] = {
    intent: category
    for category, intents in {
        "account_security": (
            "card_payment_not_recognised", "cash_withdrawal_not_recognised", "compromised_card",
            "direct_debit_payment_not_recognised", "lost_or_stolen_card", "lost_or_stolen_phone",
        ),
        "password_reset": ("change_pin", "passcode_forgotten"),
        "locked_account": ("pin_blocked",),
        "failed_transaction": (
            "declined_card_payment", "declined_transfer", "failed_transfer", "transaction_charged_twice",
            "transfer_not_received_by_recipient", "cancel_transfer", "balance_not_updated_after_bank_transfer",
        ),
        "refund": ("Refund_not_showing_up", "request_refund"),
        "account_identity": (
            "edit_personal_details", "terminate_account", "unable_to_verify_identity", "verify_my_identity",
        ),
        "cards_and_payment_methods": (
            "apple_pay_or_google_pay", "card_acceptance", "card_linking", "contactless_not_working",
            "supported_cards_and_currencies",
        ),
        "top_up_withdrawal": (
            "automatic_top_up", "pending_cash_withdrawal", "pending_top_up", "top_up_by_cash_or_cheque", "top_up_failed",
            "topping_up_by_card", "declined_cash_withdrawal", "top_up_reverted",
            "balance_not_updated_after_cheque_or_cash_deposit",
        ),
        "fees": (
            "card_payment_fee_charged", "cash_withdrawal_charge", "exchange_charge", "exchange_rate",
            "extra_charge_on_statement", "top_up_by_bank_transfer_charge", "top_up_by_card_charge", "top_up_limits",
            "transfer_fee_charged",
        ),
        "general": ("country_support",),
    }.items()
    for intent in intents
}  # fmt: skip
DANGERS: Final = frozenset(intent for intent, category in BANKING77.items() if category == "account_security")
