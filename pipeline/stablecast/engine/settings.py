"""All settings of a show: one Params class a stage, each the only place where its defaults stand."""

from __future__ import annotations

from dataclasses import dataclass, field

from stablecast.audiogram.frames import AudiogramParams
from stablecast.engine.retention import RetentionParams
from stablecast.engine.workflow import LONGEST_COOLING_OFF_H, WorkflowParams
from stablecast.model import ShowInfo
from stablecast.rss.feed import FeedParams
from stablecast.stages.alternate import AlternateParams
from stablecast.stages.assemble import AssembleParams
from stablecast.stages.attack import AttackParams
from stablecast.stages.caption import CaptionParams
from stablecast.stages.encode import EncodeParams
from stablecast.stages.find import FindParams
from stablecast.stages.ingest import IngestParams
from stablecast.stages.master import MasterParams
from stablecast.stages.prove import ProveParams
from stablecast.stages.redact import RedactParams
from stablecast.stages.revoice import RevoiceParams
from stablecast.stages.transcribe import TranscribeParams
from stablecast.stages.translate import TranslateParams
from stablecast.stages.turns import TurnsParams


@dataclass(frozen=True, slots=True)
class StingParams:
    """Short pieces of music of the show's own, files in config/; empty for none."""

    opening: str = ""  # played before every episode
    closing: str = ""  # played after every episode

    def __post_init__(self) -> None:
        for name, file in (("opening", self.opening), ("closing", self.closing)):
            if "/" in file or file == "..":
                raise ValueError(f"{name} is the name of a file in config/, without a folder")


@dataclass(frozen=True, slots=True)
class ClusterParams:
    """Workers on other machines; empty where there are none. The files are paths on this machine, `~` for your home."""

    scheduler: str = ""  # tls://host:port of a dask.distributed scheduler; `run` uses it where --jobs is not given
    tls_ca: str = ""  # certificate of the authority that signed the others; sign nothing else with it
    tls_cert: str = ""  # this machine's certificate
    tls_key: str = ""  # and its key
    storage: str = (
        ""  # s3://bucket/folder, sftp://…, file:///…: sealed files go by way of it; empty: workers mount the show
    )
    storage_credentials: str = "keyring"  # "keyring" of this system, "agent" (SFTP alone), or a file, mode 0600
    storage_host_key: str = ""  # SFTP: the server's key; empty: what ~/.ssh/known_hosts says
    storage_endpoint: str = ""  # S3: the provider's address; empty: Amazon's
    storage_region: str = ""  # S3: where the bucket is, if the provider asks for it


@dataclass(frozen=True, slots=True)
class DemoParams:
    """Only in a show made with `init --demo`, which can never be published to the world unmarked."""

    clock_ahead_h: float = 0.0  # hours by which the show's clock runs ahead, to try the cooling-off time

    def __post_init__(self) -> None:
        if not 0 <= self.clock_ahead_h <= LONGEST_COOLING_OFF_H:
            raise ValueError("clock_ahead_h is from 0 hours to a year")


@dataclass(frozen=True, slots=True)
class Settings:
    """config/show.toml: a table for each of these."""

    show: ShowInfo = field(default_factory=ShowInfo)
    feed: FeedParams = field(default_factory=FeedParams)
    workflow: WorkflowParams = field(default_factory=WorkflowParams)
    retention: RetentionParams = field(default_factory=RetentionParams)
    demo: DemoParams = field(default_factory=DemoParams)
    cluster: ClusterParams = field(default_factory=ClusterParams)
    stings: StingParams = field(default_factory=StingParams)
    ingest: IngestParams = field(default_factory=IngestParams)
    turns: TurnsParams = field(default_factory=TurnsParams)
    transcribe: TranscribeParams = field(default_factory=TranscribeParams)
    translate: TranslateParams = field(default_factory=TranslateParams)
    find: FindParams = field(default_factory=FindParams)
    redact: RedactParams = field(default_factory=RedactParams)
    revoice: RevoiceParams = field(default_factory=RevoiceParams)
    assemble: AssembleParams = field(default_factory=AssembleParams)
    master: MasterParams = field(default_factory=MasterParams)
    encode: EncodeParams = field(default_factory=EncodeParams)
    alternate: AlternateParams = field(default_factory=AlternateParams)
    caption: CaptionParams = field(default_factory=CaptionParams)
    audiogram: AudiogramParams = field(default_factory=AudiogramParams)
    attack: AttackParams = field(default_factory=AttackParams)
    prove: ProveParams = field(default_factory=ProveParams)
