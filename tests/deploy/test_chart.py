"""The Helm chart: it is linted, rendered with several values, and checked against Kubernetes' schemas."""

import re
import tomllib
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.deploy.images import ROOT
from tests.deploy.variables import unknown
from tests.support import missing

try:
    import helm_python as helm
    import kubernetes_validate
    import yaml
except ImportError:
    missing("Helm's library is not installed: make setup-deploy")

CHART = ROOT / "deploy" / "helm" / "lectern"
EXAMPLES = sorted((CHART / "ci").glob("*-values.yaml"))
CONTAINERFILE = (ROOT / "deploy" / "image" / "Containerfile").read_text("utf-8")

#: The oldest Kubernetes that Chart.yaml accepts, and the newest whose schemas are installed.
KUBERNETES = ("1.27", kubernetes_validate.latest_version())

Values = dict[str, Any]
Manifest = dict[str, Any]


class Rendered(NamedTuple):
    """The values of an installation, merged with the chart's own, and its manifests by kind."""

    values: Values
    manifests: Mapping[str, Manifest]


def rendered(values: Values) -> Rendered:
    with helm.Chart.load(CHART) as chart:
        texts = chart.render(values, name="demo", namespace="courses")
        merged = chart.merge_values(values)
    documents = [yaml.safe_load(text) for path, text in texts.items() if path.endswith(".yaml")]
    return Rendered(merged, {document["kind"]: document for document in documents if document})


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def example(request: pytest.FixtureRequest) -> Rendered:
    return rendered(yaml.safe_load(request.param.read_text("utf-8")))


def _pods(example: Rendered) -> list[Manifest]:
    kinds = [kind for kind in ("Deployment", "Job") if kind in example.manifests]
    return [example.manifests[kind]["spec"]["template"]["spec"] for kind in kinds]


def _gateway(example: Rendered) -> Manifest:
    (container,) = example.manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    return dict(container)


@pytest.mark.parametrize("values", EXAMPLES, ids=lambda path: path.stem)
def test_helm_finds_no_fault(values: Path) -> None:
    report = helm.lint(CHART, yaml.safe_load(values.read_text("utf-8")), strict=True)
    assert report["errors"] == []
    assert [message["error"] for message in report["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_accepts_every_object(example: Rendered, version: str) -> None:
    for kind, manifest in example.manifests.items():
        if kind != "PodMonitor":  # the Prometheus operator's
            kubernetes_validate.validate(manifest, version, strict=True)


def test_kubernetes_refuses_a_field_that_it_does_not_know(example: Rendered) -> None:
    wrong = example.manifests["Service"] | {"spec": {"portz": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES[1], strict=True)


def test_optional_objects_are_rendered_only_if_they_are_enabled() -> None:
    always = {"ConfigMap", "Deployment", "Service", "ServiceAccount"}
    kinds = {
        path.stem: set(rendered(yaml.safe_load(path.read_text("utf-8"))).manifests) - always
        for path in EXAMPLES
    }
    minimal = {"Job", "PodDisruptionBudget"}
    assert kinds == {
        "minimal-values": minimal,
        "production-values": minimal | {"HorizontalPodAutoscaler", "NetworkPolicy", "PodMonitor"},
        "small-values": {"NetworkPolicy"},
    }


def test_every_variable_is_a_setting(example: Rendered) -> None:
    variables = example.manifests["ConfigMap"]["data"]
    assert unknown(variables) == set()
    assert unknown(example.values["secrets"]["keys"]) == set()
    if job := example.manifests.get("Job"):
        pod = job["spec"]["template"]["spec"]
        for container in (*pod["initContainers"], *pod["containers"]):
            assert {pair["name"]: pair["value"] for pair in container["env"]} == variables


@pytest.mark.parametrize(
    "drain", [{}, {"delaySeconds": 0, "seconds": 0}, {"delaySeconds": 0.5, "seconds": 59.5}]
)
def test_no_pod_is_killed_while_it_drains(drain: Values) -> None:
    example = rendered({"secrets": {"existingSecret": "lectern"}, "drain": drain})
    data = example.manifests["ConfigMap"]["data"]
    needed = float(data["LECTERN_DRAIN_DELAY"]) + float(data["LECTERN_DRAIN_SECONDS"]) + 3
    pod = example.manifests["Deployment"]["spec"]["template"]["spec"]
    assert needed <= pod["terminationGracePeriodSeconds"] <= ceil(needed) + 2


def test_probes_and_the_service_reach_the_gateway(example: Rendered, gateway_url: str) -> None:
    container = _gateway(example)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports["http"] == int(container["args"][container["args"].index("--port") + 1])
    assert str(ports["admin"]) == example.manifests["ConfigMap"]["data"]["LECTERN_ADMIN_PORT"]
    (port,) = example.manifests["Service"]["spec"]["ports"]
    assert port["targetPort"] == "http"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == "http"
        assert httpx.get(gateway_url + container[probe]["httpGet"]["path"]).status_code == 200


def test_selectors_match_the_gateways_and_not_the_job(example: Rendered) -> None:
    spec = example.manifests["Deployment"]["spec"]
    gateway = spec["template"]["metadata"]["labels"]
    selectors = [spec["selector"]["matchLabels"], example.manifests["Service"]["spec"]["selector"]]
    for kind in ("PodDisruptionBudget", "PodMonitor"):
        if kind in example.manifests:
            selectors.append(example.manifests[kind]["spec"]["selector"]["matchLabels"])
    assert all(selector.items() <= gateway.items() for selector in selectors)
    if job := example.manifests.get("Job"):
        labels = job["spec"]["template"]["metadata"]["labels"]
        assert not any(selector.items() <= labels.items() for selector in selectors)


def test_pods_are_confined(example: Rendered) -> None:
    """They meet the Pod Security Standard `restricted`, with a read-only root and no token."""
    user = re.search(r"^USER (\d+):(\d+)$", CONTAINERFILE, re.MULTILINE)
    assert user
    for pod in _pods(example):
        context = pod["securityContext"]
        assert (str(context["runAsUser"]), str(context["runAsGroup"])) == user.groups()
        assert context["runAsNonRoot"] is True
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"memory"} <= container["resources"]["limits"].keys()


def test_secrets_are_mounted_as_files(example: Rendered) -> None:
    variables = example.manifests["ConfigMap"]["data"]
    for pod in _pods(example):
        (secret,) = [volume["secret"] for volume in pod["volumes"] if volume["name"] == "secrets"]
        assert secret["secretName"] == example.values["secrets"]["existingSecret"]
        mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        for name, key in example.values["secrets"]["keys"].items():
            assert variables[f"{name}_FILE"] == f"{mounts['secrets']}/{key}"
            assert name not in variables


def test_a_changed_setting_starts_new_pods() -> None:
    values: Values = {"secrets": {"existingSecret": "lectern"}}
    changed = values | {"settings": {"LECTERN_GRAPHIQL": "false"}}
    pods = [rendered(own).manifests["Deployment"]["spec"]["template"] for own in (values, changed)]
    annotations = [pod["metadata"]["annotations"] for pod in pods]
    assert annotations[0] != annotations[1]


def test_the_autoscaler_replaces_the_number_of_replicas(example: Rendered) -> None:
    assert ("replicas" in example.manifests["Deployment"]["spec"]) != (
        "HorizontalPodAutoscaler" in example.manifests
    )


def test_the_adapter_provides_the_metric_on_which_the_autoscaler_scales() -> None:
    (rule,) = re.findall(r"```yaml\n(rules:.*?)```", (CHART / "README.md").read_text("utf-8"), re.DOTALL)
    (custom,) = yaml.safe_load(rule)["rules"]["custom"]
    values: Values = {"secrets": {"existingSecret": "lectern"}, "autoscaling": {"enabled": True}}
    metrics = rendered(values).manifests["HorizontalPodAutoscaler"]["spec"]["metrics"]
    (metric,) = [own["pods"]["metric"]["name"] for own in metrics if own["type"] == "Pods"]
    assert custom["seriesQuery"].partition("{")[0] == metric
    values["autoscaling"]["admissionWaiting"] = None
    metrics = rendered(values).manifests["HorizontalPodAutoscaler"]["spec"]["metrics"]
    assert [own["type"] for own in metrics] == ["Resource"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "Set secrets.existingSecret to the name of a Secret"),
        ({"worker": 2}, "'worker' not allowed"),
        ({"workers": 0}, "/workers"),
        ({"settings": {"LECTERN_SECRET": "x"}}, "LECTERN_SECRET"),
        ({"settings": {"LECTERN_DRAIN_DELAY": "1"}}, "LECTERN_DRAIN_DELAY"),
        ({"settings": {"LECTERN_MAX_UNREAD_BYTES": 50_000_000}}, "got number, want string"),
        ({"settings": {"MAX_COST": "1"}}, "MAX_COST"),
    ],
)
def test_wrong_values_are_refused(values: Values, reason: str) -> None:
    with pytest.raises(helm.HelmError, match=re.escape(reason)):
        rendered(values)


def test_the_versions_are_those_of_the_package() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert chart["appVersion"] == chart["version"] == version
