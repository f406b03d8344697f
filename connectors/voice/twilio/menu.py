"""What a caller hears at each step, as TwiML. Pure: the same step of the same call gives the same bytes.

Verbs after `Record` or `Gather` run only when nothing came, so each of them has an `action`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from twilio.twiml.voice_response import Gather, VoiceResponse

from connectors.call_machine import StaffedHours
from connectors.voice.spoken_words import LOCALES, VOICES, WORDS, SpokenWords
from router.phone_call import DialState, PhoneCall
from router.settings.channels.voice import HotlineMenuSettings, SpokenLanguage

# Seconds: for a key, of silence that ends a voicemail, for the emergency number to answer, of a call to it.
_KEY_SECONDS: Final = 5
_SILENCE_SECONDS: Final = 6
_RING_SECONDS: Final = 25
_TALK_SECONDS: Final = 3600
# After so many times without a choice the caller is asked for a voicemail: no menu without an end.
_MOST_TURNS: Final = 4
_SILENT_TURNS: Final = 2
_SHOWN_DIGITS: Final = 4
DANGER, CALLBACK, VOICEMAIL, OTHER_LANGUAGE = "1", "2", "3", "8"
CONFIRMED: Final = "1"
_REPEAT: Final = frozenset({"0", OTHER_LANGUAGE})


class Step(StrEnum):
    """Where a call is: `step` in the query of its URL, which the signature covers."""

    START = "start"
    MENU = "menu"
    CALLBACK = "callback"
    DIALLED = "dialled"
    RECORDED = "recorded"
    STATUS = "status"
    RECORDING = "recording"
    TRANSCRIPT = "transcript"


# Steps that tell us something, and wait for no words.
REPORTS: Final = frozenset({Step.STATUS, Step.RECORDING, Step.TRANSCRIPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuPosition:
    """Where in the menu a request is. turn: how often the menu was said.  digits: the keys that were pressed."""

    step: Step
    language: SpokenLanguage
    turn: int = 1
    digits: str = ""
    dial_status: str = ""


class Menu:
    """The menu of one channel. address: of the channel's calls, without a query."""

    def __init__(self, settings: HotlineMenuSettings, *, address: str, hours: StaffedHours) -> None:
        self._settings, self._address, self._hours = settings, address, hours

    def say(self, position: MenuPosition, call: PhoneCall) -> str:
        """Return the TwiML of a step."""
        response = VoiceResponse()
        if call.rejected:
            response.reject(reason="busy")
        elif position.step is Step.RECORDED:
            return self.thank(position)
        elif position.step not in REPORTS:
            self._steps[position.step](response, position, call)
        return _written(response)

    def ask_for_voicemail(self) -> str:
        """Return TwiML that needs nothing but the settings: for a desk whose database is away."""
        response = VoiceResponse()
        for language in self._settings.languages:
            self._speak(response, WORDS[language].voicemail_withheld, language)
        self._record(response, self._settings.languages[0])
        return _written(response)

    def thank(self, position: MenuPosition) -> str:
        """Return the TwiML after a voicemail."""
        response = VoiceResponse()
        self._speak(response, WORDS[position.language].thanks, position.language)
        response.hangup()
        return _written(response)

    @property
    def _steps(self) -> dict[Step, Callable[[VoiceResponse, MenuPosition, PhoneCall], None]]:
        return {
            Step.START: self._start,
            Step.MENU: self._choose,
            Step.CALLBACK: self._confirm,
            Step.DIALLED: self._after_dial,
        }

    def _start(self, response: VoiceResponse, position: MenuPosition, call: PhoneCall) -> None:
        words = WORDS[position.language]
        self._speak(response, self._greeting(position.language), position.language)
        if not self._hours.is_open(call.started_at):
            self._speak(response, self._closed(words, call.started_at, position.language), position.language)
        self._offer(response, position, call)

    def _offer(self, response: VoiceResponse, position: MenuPosition, call: PhoneCall) -> None:
        """Say the menu, and wait for a key."""
        words = WORDS[position.language]
        keys = self._keys(Step.MENU, position)
        self._speak(keys, words.menu if call.caller else words.menu_withheld, position.language)
        for language in self._settings.languages:
            if language != position.language:
                self._speak(keys, WORDS[language].other, language)
        response.append(keys)

    def _choose(self, response: VoiceResponse, position: MenuPosition, call: PhoneCall) -> None:
        if position.digits == DANGER:
            self._alert(response, position, call)
        elif position.digits == CALLBACK and call.caller:
            self._ask_to_confirm(response, position, call)
        elif self._says_it_again(position):
            language = self._other(position.language) if position.digits == OTHER_LANGUAGE else position.language
            again = MenuPosition(step=Step.MENU, language=language, turn=position.turn + 1)
            self._offer(response, again, call)
        else:
            self._take_voicemail(response, position.language, call)

    @staticmethod
    def _says_it_again(position: MenuPosition) -> bool:
        if position.digits in {CALLBACK, VOICEMAIL} or position.turn >= _MOST_TURNS:
            return False
        return position.digits in _REPEAT or position.turn < _SILENT_TURNS

    def _ask_to_confirm(self, response: VoiceResponse, position: MenuPosition, call: PhoneCall) -> None:
        words = WORDS[position.language].confirm.format(digits=" ".join(call.caller[-_SHOWN_DIGITS:]))
        keys = self._keys(Step.CALLBACK, position)
        self._speak(keys, words, position.language)
        response.append(keys)

    def _alert(self, response: VoiceResponse, position: MenuPosition, call: PhoneCall) -> None:
        words = WORDS[position.language]
        self._speak(response, words.danger, position.language)
        if not self._settings.emergency_number or call.dial is not DialState.DIALLED:
            self._take_voicemail(response, position.language, call)
            return
        self._speak(response, words.connecting, position.language)
        dial = response.dial(
            action=self._url(Step.DIALLED, position.language),
            timeout=_RING_SECONDS,
            time_limit=_TALK_SECONDS,
            answer_on_bridge=True,
        )
        dial.number(self._settings.emergency_number)

    def _after_dial(self, response: VoiceResponse, position: MenuPosition, call: PhoneCall) -> None:
        if position.dial_status == "completed":
            response.hangup()
            return
        self._speak(response, WORDS[position.language].not_reached, position.language)
        self._take_voicemail(response, position.language, call)

    def _confirm(self, response: VoiceResponse, position: MenuPosition, call: PhoneCall) -> None:
        if position.digits != CONFIRMED or not call.caller:
            self._take_voicemail(response, position.language, call)
            return
        self._speak(response, WORDS[position.language].noted, position.language)
        response.hangup()

    def _take_voicemail(self, response: VoiceResponse, language: SpokenLanguage, call: PhoneCall) -> None:
        words = WORDS[language]
        self._speak(response, words.voicemail if call.caller else words.voicemail_withheld, language)
        self._record(response, language)

    def _record(self, response: VoiceResponse, language: SpokenLanguage) -> None:
        transcribed = {"transcribe": True, "transcribe_callback": self._url(Step.TRANSCRIPT)}
        response.record(
            action=self._url(Step.RECORDED, language),
            timeout=_SILENCE_SECONDS,
            finish_on_key="#",
            max_length=int(self._settings.voicemail.total_seconds()),
            play_beep=True,
            trim="trim-silence",
            recording_status_callback=self._url(Step.RECORDING),
            recording_status_callback_event="completed absent",
            **(transcribed if self._settings.transcribe else {}),
        )
        # Reached only when nothing was said.
        response.hangup()

    def _keys(self, step: Step, position: MenuPosition) -> Gather:
        return Gather(
            input="dtmf",
            num_digits=1,
            timeout=_KEY_SECONDS,
            action=self._url(step, position.language, turn=position.turn),
            action_on_empty_result=True,
            finish_on_key="",
        )

    def _url(self, step: Step, language: str = "", *, turn: int = 0) -> str:
        named = {"step": step.value} | ({"lang": language} if language else {}) | ({"n": str(turn)} if turn else {})
        return f"{self._address}?{urlencode(named)}"

    def _speak(self, verb: VoiceResponse | Gather, words: str, language: SpokenLanguage) -> None:
        voice = self._settings.voices.get(language) or VOICES[language]
        # A control character would make the answer no XML, and end the call.
        plain = "".join(letter for letter in words if letter.isprintable())
        verb.say(plain, language=LOCALES[language], voice=voice)

    def _greeting(self, language: SpokenLanguage) -> str:
        return self._settings.greeting.get(language) or WORDS[language].greeting

    def _closed(self, words: SpokenWords, at: datetime, language: SpokenLanguage) -> str:
        opening = self._hours.opening_words(at, language)
        return words.closed.format(opening=opening) if opening else words.closed_always

    def _other(self, language: SpokenLanguage) -> SpokenLanguage:
        known = self._settings.languages
        places = [place for place, each in enumerate(known) if each == language]
        return known[(places[0] + 1) % len(known)] if places else known[0]


def _written(response: VoiceResponse) -> str:
    return str(response.to_xml())
