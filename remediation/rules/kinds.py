"""Kinds of programs that are protected: by executable, unit, or an interpreter's script."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from remediation.target import cmdline


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Programs of one kind and why they are left alone; patterns stand between spaces.

    programs: patterns of executables' file names; where they are scripts by nature,
    of what a known interpreter runs. paths: patterns of whole paths. units: patterns of
    systemd units. A script's name is the process's own word, and here it can only protect.
    """

    rule: str
    reason: str
    programs: str = ""
    paths: str = ""
    units: str = ""
    scripts: str = ""

    def covers(self, *, exe: str, script: str | None, unit: str | None) -> bool:
        """Say whether a program of this kind runs; exe without a mark of deletion."""
        return (
            _matches(cmdline.basename(exe), self.programs)
            or _matches(exe, self.paths)
            or _matches(unit, self.units)
            or _matches(script, self.scripts)
        )


def _matches(text: str | None, patterns: str) -> bool:
    return text is not None and any(fnmatchcase(text, p) for p in patterns.split())


FIXED: Final = (
    Kind(
        rule="protected.sshd",
        reason="it is the way into this machine",
        programs="sshd sshd-session sshd-auth dropbear",
        units="ssh.service sshd.service ssh@*.service sshd@*.service",
    ),
    Kind(
        rule="protected.dbus",
        reason="the system's services talk through it",
        programs="dbus-daemon dbus-broker dbus-broker-launch dbus-daemon-launch-helper",
        units="dbus.service dbus-broker.service",
    ),
    Kind(
        rule="protected.systemd",
        reason="it is a part of systemd",
        programs="systemd systemd-* (sd-pam)",
        units="systemd-*.service",
    ),
    Kind(
        rule="protected.container_runtime",
        reason="containers run below it",
        programs=(
            "dockerd docker-init docker-proxy containerd containerd-shim* rootlesskit "
            "runc crun crio conmon conmonrs podman nerdctl kubelet k3s* "
            "lxcfs lxc-start lxd incusd"
        ),
        units=(
            "docker.service containerd.service crio.service podman.service "
            "kubelet.service k3s*.service"
        ),
    ),
)
"""Kinds that no setting lifts."""

OVERRIDABLE: Final = (
    Kind(
        rule="protected.database",
        reason="it is a database: its end can lose data and stops whoever uses it",
        programs=(
            "postgres postmaster mysqld mysqld_safe mariadbd mongod mongos "
            "redis-server redis-sentinel redis-check-rdb valkey-server keydb-server "
            "dragonfly memcached etcd consul vault cockroach tikv-server tidb-server "
            "pd-server clickhouse* influxd firebird oracle slapd"
        ),
        paths=(
            "*/cassandra/* */elasticsearch/* */opensearch/* */neo4j/* "
            "*/zookeeper/* */solr/*"
        ),
        units=(
            "postgresql*.service mysql*.service mariadb*.service mongod*.service "
            "redis*.service valkey*.service etcd*.service clickhouse*.service "
            "cassandra*.service elasticsearch*.service opensearch*.service "
            "zookeeper*.service neo4j*.service influxdb*.service solr*.service"
        ),
    ),
    Kind(
        rule="protected.broker",
        reason="it is a message broker: its end can lose messages",
        # RabbitMQ and ejabberd run inside Erlang's own machine.
        programs="beam beam.smp nats-server mosquitto redpanda vernemq",
        paths="*/kafka/* */rabbitmq/* */activemq/* */pulsar/*",
        units=(
            "rabbitmq*.service kafka*.service activemq*.service pulsar*.service "
            "nats*.service mosquitto*.service"
        ),
    ),
    Kind(
        rule="protected.virtual_machine",
        reason="a whole virtual machine runs in it",
        programs="qemu* kvm cloud-hypervisor firecracker VBoxHeadless",
    ),
    Kind(
        rule="protected.package_manager",
        reason="it changes installed packages; half done, the system may not start",
        programs=(
            "apt apt-get aptitude dpkg dpkg-* rpm dnf dnf5 yum zypper pacman apk "
            "snapd flatpak* packagekitd"
        ),
        units="apt-daily*.service dnf-automatic*.service packagekit.service",
        scripts="unattended-upgrade* dnf dnf-3 yum needrestart",
    ),
    Kind(
        rule="protected.file_system_tool",
        reason="it repairs or changes a file system; half done, data is lost",
        programs=(
            "fsck fsck.* e2fsck mkfs mkfs.* mke2fs resize2fs tune2fs e4defrag dd "
            "badblocks xfs_repair xfs_growfs xfs_fsr btrfs zpool zfs mdadm lvm pvmove "
            "cryptsetup parted fdisk sfdisk"
        ),
    ),
    Kind(
        rule="protected.backup",
        reason="it writes a backup or dump; half of one looks like one",
        # rsync is here: it copies backups more often than anything else. tar is not:
        # it packs and unpacks all day; a backup made with it is found by its unit.
        programs=(
            "restic borg rsync rclone duplicity kopia velero bacula-* bareos-* "
            "pg_dump pg_dumpall pg_basebackup pg_restore pgbackrest wal-g "
            "mysqldump mariadb-dump mysqlpump mydumper xtrabackup mariabackup "
            "mongodump mongorestore"
        ),
        units="*backup* *dump*",
        scripts="borg duplicity barman *backup*",
    ),
    Kind(
        rule="protected.login_shell",
        reason="people work in it; their sessions end with it",
        programs=("tmux screen zellij byobu* mosh-server login agetty getty su sudo"),
    ),
)
"""Kinds that `ProtectSettings.allow` lifts for one exact executable or unit."""

SHELLS: Final = frozenset(
    (
        "bash",
        "sh",
        "dash",
        "ash",
        "zsh",
        "ksh",
        "mksh",
        "fish",
        "tcsh",
        "csh",
        "busybox",
    )
)
"""Shells by executable; protected where they lead a terminal's session."""
