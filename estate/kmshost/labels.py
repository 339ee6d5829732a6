"""The words slmgr.vbs prints, in five languages. An unknown wording is refused by its parser, never guessed.

The English ones are slmgr.vbs's own defaults. The others are spelled as Windows versions are known or likely to spell them,
several per value: a wrong one matches nothing. Only what form cannot tell is in here: GUIDs and channels need no label.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum


class Field(StrEnum):
    """A line of slmgr's output that only its label tells apart."""

    STATUS = "licence status"
    COUNT = "current count"
    PORT = "listening port"
    TOTAL = "total requests"
    FAILED = "failed requests"
    REARMS = "remaining Windows rearm count"
    TRUSTED_TIME = "trusted time"


LABELS: dict[Field, tuple[str, ...]] = {
    Field.STATUS: (
        "License Status",
        "Lizenzstatus",
        "État de la licence", "Statut de la licence",
        "Estado de la licencia", "Estado de licencia",
        "ライセンスの状態", "ライセンス状態",
    ),
    Field.COUNT: (
        "Current count",
        "Aktuelle Anzahl", "Aktueller Zähler", "Aktueller Zählerstand",
        "Nombre actuel", "Compte actuel", "Décompte actuel",
        "Recuento actual", "Número actual", "Cuenta actual",
        "現在の数", "現在のカウント",
    ),
    Field.PORT: (
        "Listening on Port",
        "Abhören an Port", "Überwachung an Port", "Überwachter Port", "Lauscht auf Port", "Lauschen an Port",
        "Écoute sur le port", "À l'écoute sur le port", "Port d'écoute",
        "Escuchando en el puerto", "Escucha en el puerto", "Puerto de escucha",
        "リッスンしているポート", "リッスン ポート", "リッスン中のポート",
    ),
    Field.TOTAL: (
        "Total requests received",
        "Empfangene Anforderungen insgesamt", "Insgesamt empfangene Anforderungen", "Gesamtanzahl empfangener Anforderungen",
        "Nombre total de demandes reçues", "Total des demandes reçues", "Total des requêtes reçues",
        "Total de solicitudes recibidas",
        "受信した要求の合計", "受信した要求の合計数", "受信要求の合計",
    ),
    Field.FAILED: (
        "Failed requests received",
        "Fehlerhafte empfangene Anforderungen", "Empfangene fehlerhafte Anforderungen",
        "Fehlgeschlagene empfangene Anforderungen",
        "Demandes reçues ayant échoué", "Nombre de demandes reçues ayant échoué", "Échecs de demandes reçues",
        "Solicitudes recibidas con error", "Solicitudes con error recibidas", "Solicitudes erróneas recibidas",
        "受信に失敗した要求", "失敗した受信要求", "受信した失敗要求",
    ),
    Field.REARMS: (
        "Remaining Windows rearm count",
        "Verbleibende Windows-Rearm-Anzahl", "Verbleibende Anzahl der Windows-Rearms",
        "Nombre de réinitialisations Windows restantes", "Nombre de réarmements Windows restants",
        "Recuento de rearme de Windows restante", "Número de rearmados de Windows restantes",
        "残りの Windows rearm の回数", "残り Windows 再アーム数",
    ),
    Field.TRUSTED_TIME: (
        "Trusted time",
        "Vertrauenswürdige Zeit", "Vertrauenswürdige Uhrzeit",
        "Heure de confiance", "Heure approuvée",
        "Hora de confianza",
        "信頼できる時刻", "信頼された時刻",
    ),
}  # fmt: skip

# LicenseStatus of SoftwareLicensingProduct (MS Learn); the words for 3 go on in brackets, so the beginning decides.
STATUSES: dict[int, tuple[str, ...]] = {
    0: ("Unlicensed", "Nicht lizenziert", "Sans licence", "Sin licencia", "ライセンスなし", "ライセンスされていません"),
    1: ("Licensed", "Lizenziert", "Avec licence", "Sous licence", "Con licencia", "ライセンスされています", "ライセンス済み"),
    2: (
        "Initial grace period", "Anfängliche Toleranzperiode", "Anfänglicher Toleranzzeitraum", "Période de grâce initiale",
        "Período de gracia inicial", "初期猶予期間",
    ),
    3: (
        "Additional grace period", "Zusätzliche Toleranzperiode", "Zusätzlicher Toleranzzeitraum",
        "Période de grâce supplémentaire", "Período de gracia adicional", "追加の猶予期間", "追加猶予期間",
    ),
    4: (
        "Non-genuine grace period", "Toleranzperiode für nicht originale Software", "Toleranzzeitraum für Nicht-Originalversion",
        "Période de grâce non authentique", "Período de gracia no original", "非正規の猶予期間", "非正規品の猶予期間",
    ),
    5: ("Notification", "Benachrichtigung", "Notificación", "通知"),
    6: (
        "Extended grace period", "Erweiterte Toleranzperiode", "Erweiterter Toleranzzeitraum", "Période de grâce étendue",
        "Período de gracia extendido", "Período de gracia ampliado", "延長された猶予期間", "延長猶予期間",
    ),
}  # fmt: skip


def folded(text: str) -> str:
    """A label without case, accents, widths, and doubled or hard blanks."""
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).replace("’", "'").casefold())
    return " ".join("".join(character for character in plain if not unicodedata.combining(character)).split())


_FIELD_OF = {folded(label): field for field, labels in LABELS.items() for label in labels}
_STATUS_OF = {folded(word): status for status, words in STATUSES.items() for word in words}


def field_of(label: str) -> Field | None:
    """Which line this is; None for a label not in the table."""
    return _FIELD_OF.get(folded(label))


def status_of(words: str) -> int | None:
    """The LicenseStatus of the words behind the label; None for words not in the table."""
    return _STATUS_OF.get(folded(words.partition("(")[0].partition("（")[0]).rstrip(".。 "))


def recognised(text: str) -> int:
    """How many lines of a text begin with a label of the table, a status word counted besides: how well it was decoded."""
    labelled = [split_line(line) for line in text.splitlines()[:400]]
    return sum((field_of(label) is not None) + (status_of(value) is not None) for label, value in labelled)


def split_line(line: str) -> tuple[str, str]:
    """Label and value around the first colon, which may be a wide one or have a blank before it. No colon: no value."""
    label, _, value = line.replace("：", ":", 1).partition(":")
    return label.strip(), value.strip()
