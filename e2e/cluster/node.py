"""One real node: containerd with runc, the bridge network, kubelet, kube-proxy, and names by CoreDNS."""

import json
import os

import sandbox
from control_plane import PODS
from sandbox import NODE

REGISTRY = "127.0.0.1:5000"
PAUSE = "vigie.local/pause:3.10"

CONTAINERD = """
version = 2
root = "{run}/containerd"
state = "/run/containerd"
oom_score = 0
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # What this machine may not do inside a sandbox: lower an OOM score, load AppArmor profiles.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        BinaryName = "{runc}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{run}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{run}/certs.d"
"""

CNI = {
    "cniVersion": "0.4.0", "name": "vigie", "plugins": [
        {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipMasq": False,
         "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
        {"type": "portmap", "capabilities": {"portMappings": True}}]}


def kubelet(world, pki):
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "authentication": {"x509": {"clientCAFile": f"{pki}/ca.crt"}, "webhook": {"enabled": True}},
        "authorization": {"mode": "Webhook"}, "tlsCertFile": f"{pki}/kubelet.crt", "tlsPrivateKeyFile": f"{pki}/kubelet.key",
        "clusterDNS": [NODE], "clusterDomain": "cluster.local", "cgroupDriver": "cgroupfs",
        "cgroupRoot": sandbox.cgroup_root(world.run), "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "resolvConf": f"{world.run}/resolv.conf", "failSwapOn": False, "failCgroupV1": False, "enforceNodeAllocatable": [],
        "maxOpenFiles": 20000, "oomScoreAdj": 0, "localStorageCapacityIsolation": False, "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%",
                         "nodefs.inodesFree": "1%"},
        # Limits that may not be raised here become warnings.
        "featureGates": {"KubeletInUserNamespace": True, "KubeletCrashLoopBackOffMax": True},
        "serializeImagePulls": False,
        # What waits for the database is tried again at once, not after minutes.
        "crashLoopBackOff": {"maxContainerRestartPeriod": "2s"},
    }


def proxy(pki):
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables",
        "clientConnection": {"kubeconfig": f"{pki}/proxy.kubeconfig"}, "clusterCIDR": PODS, "hostnameOverride": "node1",
        "oomScoreAdj": 0, "healthzBindAddress": "127.0.0.1:10256", "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "iptables": {"minSyncPeriod": "100ms"},
    }


def snapshotter(world):
    """Layers over layers where the disk of this run allows it; else whole copies, as inside of another container."""
    trial = world.run / "overlay"
    for name in ("low", "up", "work", "merged"):
        (trial / name).mkdir(parents=True)
    done = world.call("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={trial}/low,upperdir={trial}/up,workdir={trial}/work",
                      trial / "merged", check=False)
    if done.returncode != 0 or os.environ.get("VIGIE_E2E_SNAPSHOTTER") == "native":
        return "native"
    world.call("umount", trial / "merged")
    return "overlayfs"


def start(world, pki):
    """Starts the node and returns once it is Ready."""
    run = world.run
    (run / "containerd.toml").write_text(CONTAINERD.format(run=run, pause=PAUSE, snapshotter=snapshotter(world), runc=world.call("which", "runc").strip()))
    (run / "cni").mkdir()
    (run / "cni/10-vigie.conflist").write_text(json.dumps(CNI))
    # A mirror of every registry: manifests name the images they name in production, and get ours.
    (run / "certs.d/_default").mkdir(parents=True)
    (run / "certs.d/_default/hosts.toml").write_text(f'[host."http://{REGISTRY}"]\ncapabilities = ["pull", "resolve"]\n')
    world.start("containerd", ["containerd", "--config", run / "containerd.toml"])
    ctr = ["ctr", "--address", "/run/containerd/containerd.sock", "--namespace", "k8s.io"]
    world.wait("containerd", lambda: world.call(*ctr, "version"), 30)
    world.call(*ctr, "images", "pull", "--plain-http", f"{REGISTRY}/vigie.local/pause:3.10")
    world.call(*ctr, "images", "tag", f"{REGISTRY}/vigie.local/pause:3.10", PAUSE)
    (run / "kubelet.json").write_text(json.dumps(kubelet(world, pki)))
    (run / "proxy.json").write_text(json.dumps(proxy(pki)))
    world.start("kubelet", ["kubelet", f"--config={run}/kubelet.json", f"--kubeconfig={pki}/node.kubeconfig",
                            f"--root-dir={run}/kubelet", "--hostname-override=node1", f"--node-ip={NODE}"])
    world.start("kube-proxy", ["kube-proxy", f"--config={run}/proxy.json"])
    world.call("kubectl", "apply", "--filename=-", stdin=json.dumps({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "kube-proxy"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:node-proxier"},
        "subjects": [{"kind": "User", "name": "system:kube-proxy"}]}))
    (run / "Corefile").write_text(
        ".:53 {\n  bind %s\n  errors\n  cache 1\n  kubernetes cluster.local in-addr.arpa {\n    kubeconfig %s e2e\n  }\n}\n"
        % (NODE, pki / "admin.kubeconfig"))
    world.start("coredns", ["coredns", "-conf", run / "Corefile"])
    world.wait("the node", lambda: ready(world), 120)


def ready(world):
    node = world.get("node", "node1")
    return node and any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])
