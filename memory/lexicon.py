"""Words of operations that mean the same: one group a line, its forms by commas.

The words are for search only: a text that says *box* finds one that says *node*. A form
may be several words; it is compared word by word after stemming. A form belongs to one
group. Add what your team says; order does not matter.
"""

GROUPS = """
oom, oomkilled, out of memory, killed by the kernel, kernel killed, memory exhausted, exit code 137
memory, ram, rss, heap, resident set
leak, grows without bound, keeps growing, climbs until, memory growth, unbounded
swap, swapping, paging, thrash
cpu, processor, cores, compute
pegged, maxed out, saturated, at 100 percent, busy loop, spin, runaway, hot loop
throttled, throttling, cfs quota, cpu limit, starved
load, load average, run queue
filesystem, fs, partition, mount, volume, mountpoint
disk, drive, ssd, hdd, block device, storage
full, no space left, enospc, out of space, out of room, disk space, space filling up, runs out of space
inode, out of files, too many files, file count
descriptor, fd, fds, emfile, enfile, open files, file handles, ulimit
io, iops, iowait, disk latency, disk throughput
raid, array, mirrored, mdadm, redundancy
readonly, read only, remounted, ro mount
corrupt, corruption, damaged, bad checksum
host, node, machine, box, server, vm, instance, worker
process, pid, daemon, program, task
pod, container, replica, copies
cluster, fleet, quorum, members
kubernetes, k8s, kube
kubelet, node agent
apiserver, api server, control plane, kubectl
scheduler, scheduling, unschedulable, pending
statefulset, stateful set, set
daemonset, every machine, every node, all machines, each node
job, cronjob, cron, batch, nightly run, scheduled run
autoscaler, hpa, scale up, scaling, autoscaling, scale out
evicted, eviction, preempted, drained, kicked off
image pull, imagepullbackoff, errimagepull, pull image, download container, registry, tag
crash, crashloop, crashlooping, dies, segfault, core dump, panic, abort, crashed, restarts over and over, keeps restarting
restart, reboot, bounce, recycle, relaunch, came back up
down, dead, gone, absent, not running, disappeared, vanished, offline, missing
unreachable, cannot reach, not reachable, no route, cannot connect, not responding, connection refused, econnrefused
hang, hung, stuck, freeze, frozen, blocked, stalled, deadlock, wedged, never finishes
slow, latency, sluggish, lag, response time, p99, p95, takes too long, long time
timeout, timed out, deadline exceeded, etimedout
error, failure, failing, fault, exception, broken
5xx, 500, 502, 503, 504, bad gateway, internal server error, service unavailable, gateway timeout
4xx, 404, not found, bad request
ratelimit, rate limit, 429, too many requests, quota, limit reached
certificate, cert, tls, ssl, x509, https
expire, expired, expiry, ran out, runs out, expiration, renew
secret, credential, password, token, api key
auth, authentication, login, log in, sign in, signin, oauth, sso
denied, forbidden, permission, unauthorized, 403, 401, not allowed, rbac
dns, name resolution, resolve, nxdomain, hostname, find each other, coredns
network, net, connectivity, packet
interface, nic, eth0, link, cable, port
receive, rx, inbound, ingress, incoming
transmit, tx, outbound, egress, send packets, outgoing
drop, dropped, loss, lost, discard
conntrack, connection tracking, nat table
firewall, iptables, nftables, security group
proxy, load balancer, lb, haproxy, nginx, reverse proxy, gateway
flap, flapping, up and down, unstable, intermittent, on and off
clock, time sync, ntp, chrony, skew, drift, time wrong, synchronise, synchronising, synchronised
deploy, rollout, release, ship, shipped, version, upgrade, push to production, went live, new build
rollback, roll back, revert, rolled back
config, configuration, setting, yaml, manifest, reload config
flag, toggle, feature flag, switch on
mismatch, inconsistent, differs, out of sync, disagree, diverge, not match
outdated, stale, old, behind, not updated
replication, replica lag, standby, read copy, follower, secondary, slave
leader, primary, master, election, split brain, two leaders
database, db, postgres, postgresql, mysql, sql
transaction, lock, lock wait, block each other, row lock
vacuum, bloat, wraparound, autovacuum
pool, connection pool, too many connections, connections exhausted
index, full scan, query plan, seq scan
queue, backlog, kafka, rabbitmq, consumer lag, backing up, pile up, piling up
cache, redis, memcached, eviction policy
etcd, consensus, raft, key value store
backup, snapshot, dump, restore
retry, retried, redeliver, duplicate, twice
traffic, requests, load spike, surge, visitors, users
attack, ddos, flood, brute force, hammering
alert, notification, notify, page, pager, alarm
alertmanager, alert manager
prometheus, scrape, scraping, target, exporter
metric, sample, series, time series, cardinality
rule, recording rule, evaluation, expression
log, logging, journal, logfile, syslog, logrotate
operator, reconcile, controller, sync
webhook, hook, admission
garbage collection, gc, gc pause, java memory, stop the world
jvm, java, old generation
thread, goroutine, worker pool, executor
zombie, defunct, unreaped
temperature, overheating, thermal, hot, fan
power, psu, outage, power supply
hardware, ecc, edac, mce, dimm, smart
kernel, dmesg, oops
systemd, unit, service failed, failed unit
disk failure, failed drive, drive died, lost a drive, bad disk
customer, client, user, people, everybody
payment, checkout, billing, invoice, card, charge
mail, email, smtp
region, zone, availability zone, datacenter, dc
cdn, edge, static assets
watchdog, dead man, heartbeat, deadman
budget, slo, error budget, burn rate, burning
capacity, overcommit, overcommitted, not enough room, headroom, oversubscribed
compaction, wal, tsdb, write ahead log
remote write, remote storage, long term storage
"""
"""Groups of forms that mean the same to somebody on call."""
