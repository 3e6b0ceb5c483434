# SPDX-License-Identifier: Apache-2.0
"""Configuration files and command lines of what a node and a control plane consist of."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from tools.kubernetes.binaries import BIN
from tools.kubernetes.layout import (
    API_PORT,
    ETCD,
    FIRST,
    NODE_ADDRESS,
    NODES,
    POD_NETWORK,
    SERVICE_NETWORK,
    Node,
    Run,
)

PEER = "http://127.0.0.1:22380"
ETCD_COMMAND = (
    *("etcd", "--listen-client-urls", ETCD, "--advertise-client-urls", ETCD),
    *("--listen-peer-urls", PEER, "--initial-advertise-peer-urls", PEER),
    # Nothing here outlives the run, so nothing needs to reach the disk.
    *("--initial-cluster", f"default={PEER}", "--unsafe-no-fsync"),
)


def write_files(run: Run, runc: Path, cni: Path, sandbox: str) -> None:
    """Write every component's configuration."""
    for node in NODES:
        text = _containerd(run, node, runc, cni, sandbox)
        run.file(node.name, "containerd.toml").write_text(text)
        run.file(node.name, "kubelet.json").write_text(json.dumps(_kubelet(run, node)))
    run.file("cni", "10-bridge.conflist").write_text(json.dumps(_network(run)))
    run.file("proxy.json").write_text(json.dumps(_proxy(run)))
    run.file("Corefile").write_text(_dns(run))


def commands(run: Run) -> dict[str, list[str]]:
    """Return the command of each component by name."""
    return {
        "etcd": [*ETCD_COMMAND, "--data-dir", str(run.file("etcd"))],
        "apiserver": _apiserver(run),
        "controller-manager": _controller_manager(run),
        "scheduler": [
            str(BIN / "kube-scheduler"),
            *_identity(run, "scheduler"),
            *("--bind-address=127.0.0.1", "--secure-port=16259", "--leader-elect=false"),
        ],
        "proxy": [str(BIN / "kube-proxy"), f"--config={run.file('proxy.json')}"],
        "dns": [str(BIN / "coredns"), "-conf", str(run.file("Corefile"))],
        **{name: words for node in NODES for name, words in _of_node(run, node).items()},
    }


def _of_node(run: Run, node: Node) -> dict[str, list[str]]:
    file = functools.partial(run.file, node.name)
    return {
        node.containerd: ["containerd", "--config", str(file("containerd.toml"))],
        node.kubelet: [
            str(BIN / "kubelet"),
            *(f"--config={file('kubelet.json')}", f"--hostname-override={node.name}"),
            *(f"--kubeconfig={run.kubeconfig(node.kubelet)}", f"--node-ip={node.address}"),
            *(f"--root-dir={file('kubelet')}", f"--cert-dir={file('pki')}"),
        ],
    }


def control_group(run: Run, node: Node) -> str:
    """Return the control group of a node's pods; the first node's is the run's own."""
    return run.name if node is FIRST else f"{run.name}/{node.name}"


def _identity(run: Run, user: str) -> list[str]:
    file = run.kubeconfig(user)
    names = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    return [f"--{name}={file}" for name in names]


def _apiserver(run: Run) -> list[str]:
    pki = run.file("pki", "ca.crt").parent
    return [
        str(BIN / "kube-apiserver"),
        *(f"--etcd-servers={ETCD}", f"--bind-address={NODE_ADDRESS}"),
        *(f"--secure-port={API_PORT}", f"--advertise-address={NODE_ADDRESS}"),
        *(f"--tls-cert-file={pki}/api.crt", f"--tls-private-key-file={pki}/api.key"),
        *(f"--cert-dir={pki}", f"--client-ca-file={pki}/ca.crt"),
        *(f"--token-auth-file={pki}/tokens.csv", "--authorization-mode=Node,RBAC"),
        *(f"--service-cluster-ip-range={SERVICE_NETWORK}", "--allow-privileged=true"),
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/accounts.pub",
        f"--service-account-signing-key-file={pki}/accounts.key",
        *("--kubelet-preferred-address-types=InternalIP", "--profiling=false"),
    ]


def _controller_manager(run: Run) -> list[str]:
    pki = run.file("pki", "ca.crt").parent
    return [
        str(BIN / "kube-controller-manager"),
        *_identity(run, "controller-manager"),
        *("--bind-address=127.0.0.1", "--secure-port=16257", "--leader-elect=false"),
        f"--service-account-private-key-file={pki}/accounts.key",
        *(f"--root-ca-file={pki}/ca.crt", f"--service-cluster-ip-range={SERVICE_NETWORK}"),
        *("--kube-api-qps=500", "--kube-api-burst=1000"),
    ]


def _containerd(run: Run, node: Node, runc: Path, cni: Path, sandbox: str) -> str:
    unused = [f"io.containerd.snapshotter.v1.{name}" for name in ("btrfs", "zfs", "aufs")]
    unused += ["io.containerd.snapshotter.v1.devmapper"]
    unused += ["io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
    return f"""
version = 2
root = "{run.file(node.name, "containerd")}"
state = "{node.runtime}/state"
oom_score = 0
disabled_plugins = {json.dumps(unused)}
[grpc]
  address = "{node.socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{run.file(node.name, "opt")}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{sandbox}"
  # Without CAP_SYS_RESOURCE every sandbox would fail with "can't get final child's PID from pipe".
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        BinaryName = "{runc}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni}"
    conf_dir = "{run.file("cni", "10-bridge.conflist").parent}"
"""


def _network(run: Run) -> dict[str, Any]:
    addresses = {
        "type": "host-local",
        "dataDir": str(run.file("cni-data")),
        "ranges": [[{"subnet": POD_NETWORK}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": "lab0", "isGateway": True, "hairpinMode": True}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    plugins = [{**bridge, "ipMasq": False, "ipam": addresses}, ports]
    return {"cniVersion": "0.4.0", "name": "lab", "plugins": plugins}


def _kubelet(run: Run, node: Node) -> dict[str, Any]:
    never = ("memory.available", "nodefs.available", "imagefs.available", "nodefs.inodesFree")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "port": 10250,
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": node.healthz_port,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{control_group(run, node)}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "maxOpenFiles": 20000,
        "containerRuntimeEndpoint": f"unix://{node.socket}",
        "localStorageCapacityIsolation": False,
        # The lab shares its disk and memory with whatever else runs: never for it to judge.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": dict.fromkeys((*never, "imagefs.inodesFree"), "0%"),
        "makeIPTablesUtilChains": False,
        "resolvConf": "",
        "clusterDNS": [NODE_ADDRESS],
        "clusterDomain": "cluster.local",
        "podLogsDir": str(run.file(node.name, "pod-logs")),
        "volumePluginDir": str(run.file(node.name, "volume-plugins")),
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "2s",
        # Secrets and config maps reach mounted files within seconds instead of a minute.
        "configMapAndSecretChangeDetectionStrategy": "Watch",
    }


def _proxy(run: Run) -> dict[str, Any]:
    # A Service must not fail right after `helm install --wait`: the default period is a second.
    often = {"minSyncPeriod": "10ms", "syncPeriod": "30s"}
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "bindAddress": "127.0.0.1",
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "clientConnection": {"kubeconfig": str(run.kubeconfig("proxy"))},
        "clusterCIDR": POD_NETWORK,
        "mode": "nftables",
        "nftables": often,
        "hostnameOverride": FIRST.name,
        "nodePortAddresses": [f"{NODE_ADDRESS}/32"],
        "oomScoreAdj": 0,
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def _dns(run: Run) -> str:
    return f"""cluster.local:53 {{
  bind {NODE_ADDRESS}
  errors
  kubernetes cluster.local {{
    kubeconfig {run.kubeconfig("admin")}
  }}
}}
.:53 {{
  bind {NODE_ADDRESS}
  template ANY ANY {{
    rcode NXDOMAIN
  }}
}}
"""
