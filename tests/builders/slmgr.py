"""What `slmgr.vbs /dlv` prints, composed by us with invented ids, in the languages that are read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """One language's labels, as the parser knows them, and the code page its console writes."""

    code_page: str
    status: str
    licensed: str
    notification: str
    count: str
    port: str
    total: str
    failed: str
    rearms: str
    trusted_time: str
    minutes: str
    colon: str = ": "


WORDINGS = {
    "en": Wording(
        "cp437", "License Status", "Licensed", "Notification", "Current count", "Listening on Port", "Total requests received",
        "Failed requests received", "Remaining Windows rearm count", "Trusted time", "{} minute(s) ({} day(s))",
    ),
    "de": Wording(
        "cp850", "Lizenzstatus", "Lizenziert", "Benachrichtigung", "Aktuelle Anzahl", "Abhören an Port",
        "Empfangene Anforderungen insgesamt", "Fehlerhafte empfangene Anforderungen", "Verbleibende Windows-Rearm-Anzahl",
        "Vertrauenswürdige Zeit", "{} Minute(n) ({} Tag(e))",
    ),
    "fr": Wording(
        "cp850", "État de la licence", "Avec licence", "Notification", "Nombre actuel", "Écoute sur le port",
        "Nombre total de demandes reçues", "Demandes reçues ayant échoué", "Nombre de réarmements Windows restants",
        "Heure approuvée", "{} minute(s) ({} jour(s))", " : ",
    ),
    "es": Wording(
        "cp850", "Estado de la licencia", "Con licencia", "Notificación", "Recuento actual", "Escuchando en el puerto",
        "Total de solicitudes recibidas", "Solicitudes recibidas con error", "Recuento de rearme de Windows restante",
        "Hora de confianza", "{} minuto(s) ({} día(s))",
    ),
    "ja": Wording(
        "cp932", "ライセンスの状態", "ライセンスされています", "通知", "現在の数", "リッスンしているポート", "受信した要求の合計",
        "受信に失敗した要求", "残りの Windows rearm の回数", "信頼できる時刻", "{} 分 ({} 日)",
    ),
}  # fmt: skip
CMID = "0d9f3c62-5a41-4f0e-9b1c-3f6c2f1d7a10"
TIME = "3/12/2026 9:58:33 AM"


def host_text(language: str = "en", count: str = "17", *, partial: str = "ABCDE", extra: str = "") -> str:
    """The text of a KMS host."""
    say = WORDINGS[language]
    lines = [
        ("Version", "10.0.20348.2031"),
        ("", ""),
        ("Name", "Windows(R), ServerStandard edition"),
        ("Description", "Windows(R) Operating System, VOLUME_KMS_WS22 channel"),
        ("Activation ID", "11111111-2222-4333-8444-555555555555"),
        ("Application ID", "55c92734-d682-4d71-983e-d6ec3f16059f"),
        ("Extended PID", "06401-00206-566-123456-03-1033-20348.0000-0402024"),
        ("Product Key Channel", "Volume:CSVLK"),
        ("Installation ID", "123456789012345678901234567890123456789012345678901234567890123"),
        ("Partial Product Key", partial),
        (say.status, say.licensed),
        (say.rearms, "1001"),
        (say.trusted_time, TIME),
        ("", ""),
        ("Key Management Service is enabled on this machine", ""),
        (f"    {say.count}", count),
        (f"    {say.port}", "1688"),
        (f"    {say.total}", "1482"),
        (f"    {say.failed}", "37"),
    ]
    return _text(lines, say) + extra


def client_text(language: str = "en", *, channel: str = "VOLUME_KMSCLIENT", minutes: int = 257760, extra: str = "") -> str:
    """The text of a licensed KMS client."""
    say = WORDINGS[language]
    lines = [
        ("Version", "10.0.17763.5329"),
        ("", ""),
        ("Name", "Windows(R), ServerStandard edition"),
        ("Description", f"Windows(R) Operating System, {channel} channel"),
        ("Application ID", "55c92734-d682-4d71-983e-d6ec3f16059f"),
        ("Partial Product Key", "FGHIJ"),
        (say.status, say.licensed),
        ("Volume activation expiration", say.minutes.format(minutes, minutes // 1440)),
        (say.rearms, "1001"),
        (say.trusted_time, TIME),
        ("", ""),
        ("    Client Machine ID (CMID)", CMID),
        ("    KMS machine name from DNS", "kms01.corp.example:1688"),
        ("    KMS machine IP address", "10.20.0.11"),
    ]
    return _text(lines, say) + extra


def _text(lines: list[tuple[str, str]], say: Wording) -> str:
    return "\r\n".join(f"{label}{say.colon}{value}" if value else label for label, value in lines) + "\r\n"
