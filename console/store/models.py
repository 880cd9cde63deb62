"""Every table in one place: ``from console.store.models import HostState``."""

from console.store.accounts import Account, LoginSession, OneTimeSecret, Role
from console.store.backups import BackupRunRow, RestoreRow, VerificationRow, WalRow
from console.store.base import Base
from console.store.hosts import AssessmentResult, FactDocument, HostLatest, HostState, State
from console.store.incidents import AlertState, Incident, IncidentEvent, Notification, NotificationAttempt
from console.store.jobs import AuditHead, AuditSeal, JobSlot, WorkerPulse
from console.store.metrics import MetricHour, MetricMinute, MetricSeries
from console.store.power import BootReport, DeviceLatest, PowerDrill, PowerEvent, PowerRecordRow, UpsLatest
from console.store.repositories import CopyRow, RefusedDeletion, RepositoryRow, RepositorySize, SpaceRow
from console.store.runs import ProvisionRun, ProvisionTask

__all__ = [
    "Account",
    "AlertState",
    "AssessmentResult",
    "AuditHead",
    "AuditSeal",
    "BackupRunRow",
    "Base",
    "BootReport",
    "CopyRow",
    "DeviceLatest",
    "FactDocument",
    "HostLatest",
    "HostState",
    "Incident",
    "IncidentEvent",
    "JobSlot",
    "LoginSession",
    "MetricHour",
    "MetricMinute",
    "MetricSeries",
    "Notification",
    "NotificationAttempt",
    "OneTimeSecret",
    "PowerDrill",
    "PowerEvent",
    "PowerRecordRow",
    "ProvisionRun",
    "ProvisionTask",
    "RefusedDeletion",
    "RepositoryRow",
    "RepositorySize",
    "RestoreRow",
    "Role",
    "SpaceRow",
    "State",
    "UpsLatest",
    "VerificationRow",
    "WalRow",
    "WorkerPulse",
]
