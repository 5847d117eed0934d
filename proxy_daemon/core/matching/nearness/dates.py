"""The dates and times that programs stamp into prompts: behind "today is", "current date:" and their like.

A date in any other place is what the text is about. Called by `small_edits`.
"""

from __future__ import annotations

import re

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?"
    r"|januar|februar|märz|mai|juni|juli|oktober|dezember|janvier|février|mars|avril|juin|juillet|août|septembre"
    r"|octobre|novembre|décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre"
    r"|diciembre)\.?"
)
_WEEKDAY = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|montag|dienstag|mittwoch|donnerstag|freitag"
    r"|samstag|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes"
    r"|sábado|domingo)\.?"
)
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?: ?[ap]\.?m\.?)?(?: ?(?:z|utc|gmt|[+-]\d{2}:?\d{2}))?"
_DATE = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|\.)? (?:of |de )?{_MONTH},? (?:de )?\d{{4}}"
    r"|\d{4} ?年 ?\d{1,2} ?月 ?\d{1,2} ?日)"
)
_DAY = rf"(?:(?:{_WEEKDAY},? (?:(?:the|der|den|le|el) )?)?{_DATE}(?:,? \(?{_WEEKDAY}\)?)?|{_WEEKDAY})"
_MOMENT = rf"(?:{_DAY}(?:(?:,? (?:at |um )?|t){_CLOCK})?|{_CLOCK})"
# What says "is" between the name and the date, also in XML and JSON.
_IS = r"(?: is:?| ?[:=\uff1a]|>|\" ?:) ?\"?"
_DAY_HERE = (
    rf"(?:today(?:['\u2019]s date)?{_IS}|heute ist (?:der )?|nous sommes (?:le )?|hoy es (?:el )?|今天是 ?|今日は ?)"
)
_TIME_HERE = (
    rf"(?:current[ _-]?(?:date[ _]?(?:and|/|&)?[ _]?time|date|time)(?: \(utc\))?{_IS}"
    rf"|(?:aktuelles datum|date du jour|date actuelle|fecha actual|当前日期|当前时间|現在の日[付時]){_IS})"
)
# Outside of instructions these may well name the date that is asked about.
_SYSTEM_HERE = rf"(?:as of |(?:it is )?now{_IS}|it is now |(?:date|time|timestamp){_IS})"
_END = r"(?![A-Za-z0-9_/-]|[.,:]\d)"
_STAMP = re.compile(rf"(?<!\w)({_DAY_HERE}){_DAY}{_END}|(?<!\w)({_TIME_HERE}){_MOMENT}{_END}", re.IGNORECASE)
_SYSTEM_STAMP = re.compile(rf"(?<!\w)({_SYSTEM_HERE}){_MOMENT}{_END}", re.IGNORECASE)
_MARK = "\ue000"


def without_stamps(text: str, *, system: bool) -> str:
    """The text with a mark, which no text has otherwise, in the place of each stamp.

    ``text``: with single blanks between its words. ``system``: it is an instruction.
    """
    text = _STAMP.sub(rf"\1\2{_MARK}", text.replace(_MARK, "\ufffd"))
    return _SYSTEM_STAMP.sub(rf"\1{_MARK}", text) if system else text
