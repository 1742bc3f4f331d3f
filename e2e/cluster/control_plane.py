"""The control plane: etcd, API server, controllers, scheduler, as processes of the sandbox."""

from pki import SERVICE  # noqa: F401  (the first address of the range below)
from sandbox import NODE

SERVICES = "10.96.0.0/16"
PODS = "10.244.0.0/16"
ETCD = "http://127.0.0.1:2379"


def start(world, pki):
    """Starts it and returns once the API answers and pods could be made."""
    world.start("etcd", ["etcd", "--unsafe-no-fsync", "--data-dir", world.run / "etcd", "--listen-client-urls", ETCD,
                         "--advertise-client-urls", ETCD, "--listen-peer-urls", "http://127.0.0.1:2380"],
                # Debian's etcd reads its environment; a proxy setting there would be taken for one of the peers.
                env={"ETCD_UNSUPPORTED_ARCH": ""})
    # The bridge address is advertised, not loopback, which Kubernetes refuses as an endpoint.
    world.start("kube-apiserver", [
        "kube-apiserver", f"--etcd-servers={ETCD}", f"--bind-address={NODE}", f"--advertise-address={NODE}",
        "--secure-port=6443", f"--tls-cert-file={pki}/apiserver.crt", f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt", "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/sa.pub", f"--service-account-signing-key-file={pki}/sa.key",
        f"--kubelet-client-certificate={pki}/admin.crt", f"--kubelet-client-key={pki}/admin.key",
        f"--kubelet-certificate-authority={pki}/ca.crt", "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={pki}/ca.crt", "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-", f"--proxy-client-cert-file={pki}/front-proxy.crt",
        f"--proxy-client-key-file={pki}/front-proxy.key", "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction", f"--service-cluster-ip-range={SERVICES}", "--allow-privileged=true"])
    world.wait("the API server", lambda: world.kubectl("get", "--raw", "/readyz") == "ok", 120)
    world.start("kube-controller-manager", [
        "kube-controller-manager", f"--kubeconfig={pki}/controller-manager.kubeconfig",
        f"--service-account-private-key-file={pki}/sa.key", f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt", f"--cluster-signing-key-file={pki}/ca.key",
        "--use-service-account-credentials=true", "--allocate-node-cidrs=true", f"--cluster-cidr={PODS}",
        f"--service-cluster-ip-range={SERVICES}", "--leader-elect=false", "--bind-address=127.0.0.1"])
    world.start("kube-scheduler", ["kube-scheduler", f"--kubeconfig={pki}/scheduler.kubeconfig", "--leader-elect=false",
                                   "--bind-address=127.0.0.1"])
    # Pods made before it exists are refused.
    world.wait("the default service account", lambda: world.get("serviceaccount", "default", "--namespace=default"), 60)
