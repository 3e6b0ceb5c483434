# SPDX-License-Identifier: Apache-2.0
"""The chart as a data plane, rendered by real helm."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.probe import status_address
from tests.support.chart import CHART, container, environment, render, run_helm

NAME = "gw-kafka-gateway"
DIGEST = "sha256:" + "ab" * 32

# Step 10 of the hand-made deployment, with today's spelling of nothing changed.
STORY: dict[str, Any] = {
    "ingressController": {"enabled": False},
    "image": {"repository": "kong/kong-gateway", "tag": "2.7.0.0-alpine"},
    "admin": {"enabled": False},
    "env": {
        "role": "data_plane",
        "database": "off",
        "anonymous_reports": "off",
        "vitals_ttl_days": 732,
        "cluster_mtls": "pki",
        "cluster_control_plane": "kong-cpoutlet-1.cp.konnect.konghq.com:443",
        "cluster_server_name": "kong-cpoutlet-1.cp.konnect.konghq.com",
        "cluster_telemetry_endpoint": "kong-telemetry-1.tp.konnect.konghq.com:443",
        "cluster_telemetry_server_name": "kong-telemetry-1.tp.konnect.konghq.com",
        "cluster_ca_cert": "/etc/secrets/kong-cluster-ca/ca.crt",
        "cluster_cert": "/etc/secrets/kong-cluster-cert/tls.crt",
        "cluster_cert_key": "/etc/secrets/kong-cluster-cert/tls.key",
        "lua_ssl_trusted_certificate": "/etc/secrets/kong-cluster-cert/tls.crt",
        "status_listen": "0.0.0.0:8100",
    },
    "proxy": {"enabled": True, "type": "LoadBalancer"},
    "enterprise": {
        "enabled": True,
        "portal": {"enabled": False},
        "rbac": {"enabled": False},
        "smtp": {"enabled": False},
    },
    "manager": {"enabled": False},
    "portal": {"enabled": False},
    "portalapi": {"enabled": False},
    "secretVolumes": ["kong-cluster-cert", "kong-cluster-ca"],
}


@pytest.mark.parametrize("role", ["data_plane", "control_plane", "traditional"])
def test_helm_lint_has_nothing_to_say_against_any_role(role: str) -> None:
    code, text = run_helm("lint", "--strict", str(CHART), "-f", "-", values={"env": {"role": role}})
    assert code == 0, text


def test_the_values_of_the_story_give_its_deployment_and_its_service() -> None:
    objects = render({**STORY, "nameOverride": "kong"}, release="kong-dp")
    service = objects["Service", "kong-dp-kong-proxy"]
    assert service["spec"]["type"] == "LoadBalancer"
    assert [port["port"] for port in service["spec"]["ports"]] == [80, 443]
    settings = environment(objects["Deployment", "kong-dp-kong"])
    for name, value in STORY["env"].items():
        assert settings[f"KONG_{name.upper()}"] == str(value)


def test_secret_volumes_are_mounted_read_only_below_etc_secrets() -> None:
    workload = render(STORY)["Deployment", NAME]
    mounts = {mount["name"]: mount for mount in container(workload)["volumeMounts"]}
    for name in ("kong-cluster-cert", "kong-cluster-ca"):
        assert mounts[name] == {
            "name": name,
            "mountPath": f"/etc/secrets/{name}",
            "readOnly": True,
        }
    volumes = {item["name"]: item for item in workload["spec"]["template"]["spec"]["volumes"]}
    assert volumes["kong-cluster-cert"]["secret"]["defaultMode"] == 0o440


def test_listeners_follow_the_sections_of_the_values() -> None:
    settings = environment(render({})["Deployment", NAME])
    assert settings["KONG_PROXY_LISTEN"] == "0.0.0.0:8000, 0.0.0.0:8443 ssl"
    assert settings["KONG_ADMIN_LISTEN"] == "off"
    assert settings["KONG_STATUS_LISTEN"] == "0.0.0.0:8100"
    assert settings["KONG_DATABASE"] == "off"


def test_an_entry_of_env_wins_over_what_the_sections_say() -> None:
    values = {"env": {"proxy_listen": "0.0.0.0:9000"}}
    assert environment(render(values)["Deployment", NAME])["KONG_PROXY_LISTEN"] == "0.0.0.0:9000"


def test_a_service_port_of_zero_keeps_plain_http_off_the_load_balancer() -> None:
    objects = render({"proxy": {"http": {"servicePort": 0}}})
    ports = objects["Service", f"{NAME}-proxy"]["spec"]["ports"]
    assert [port["port"] for port in ports] == [443]
    settings = environment(objects["Deployment", NAME])
    assert settings["KONG_PROXY_LISTEN"].startswith("0.0.0.0:8000,")


def test_custom_variables_have_no_prefix_and_may_come_from_secrets() -> None:
    reference = {"secretKeyRef": {"name": "kafka-api-key", "key": "secret"}}
    values = {
        "customEnv": {"kafka_api_secret": {"valueFrom": reference}, "region": "eu"},
        "envFrom": [{"secretRef": {"name": "kafka-api-key"}}],
    }
    workload = render(values)["Deployment", NAME]
    settings = environment(workload)
    assert settings["KAFKA_API_SECRET"] == reference
    assert settings["REGION"] == "eu"
    assert container(workload)["envFrom"] == [{"secretRef": {"name": "kafka-api-key"}}]


def test_a_digest_names_the_image() -> None:
    values = {"image": {"repository": "registry.example/gw", "digest": DIGEST}}
    assert container(render(values)["Deployment", NAME])["image"] == f"registry.example/gw@{DIGEST}"


def test_probes_ask_the_status_port_and_the_pod_drains_before_it_ends() -> None:
    workload = render({})["Deployment", NAME]
    main = container(workload)
    ports = {port["name"]: port["containerPort"] for port in main["ports"]}
    assert ports == {"proxy": 8000, "proxy-tls": 8443, "status": 8100}
    assert main["readinessProbe"]["httpGet"]["path"] == "/status/ready"
    assert main["livenessProbe"]["httpGet"]["path"] == "/status"
    command = main["lifecycle"]["preStop"]["exec"]["command"]
    assert command[:4] == ["python", "-m", "gateway.probe", "drain"]
    grace = workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace >= int(command[-1]) + 15


def test_the_pod_meets_the_restricted_security_standard() -> None:
    workload = render({})["Deployment", NAME]
    pod = workload["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    context = container(workload)["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    kinds = {next(key for key in volume if key != "name") for volume in pod["volumes"]}
    assert kinds <= {"emptyDir", "secret", "configMap", "projected"}


def test_pods_spread_over_zones_and_nodes_unless_the_values_say_how() -> None:
    pod = render({})["Deployment", NAME]["spec"]["template"]["spec"]
    keys = [item["topologyKey"] for item in pod["topologySpreadConstraints"]]
    assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    own = [{"maxSkew": 2, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}]
    values = {"topologySpreadConstraints": own}
    pod = render(values)["Deployment", NAME]["spec"]["template"]["spec"]
    assert pod["topologySpreadConstraints"] == own


def test_a_disruption_takes_one_pod_at_a_time_unless_a_bound_is_given() -> None:
    assert render({})["PodDisruptionBudget", NAME]["spec"]["maxUnavailable"] == 1
    values = {"podDisruptionBudget": {"enabled": True, "minAvailable": "50%"}}
    spec = render(values)["PodDisruptionBudget", NAME]["spec"]
    assert spec["minAvailable"] == "50%"
    assert "maxUnavailable" not in spec


def test_autoscaling_measures_requested_cpu_and_requests_per_second() -> None:
    values = {"autoscaling": {"enabled": True, "targetRequestsPerSecond": 5000}}
    objects = render(values)
    spec = objects["HorizontalPodAutoscaler", NAME]["spec"]
    assert spec["scaleTargetRef"]["name"] == NAME
    cpu, requests = spec["metrics"]
    assert cpu["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}
    assert requests["pods"]["target"] == {"type": "AverageValue", "averageValue": "5000"}
    assert "replicas" not in objects["Deployment", NAME]["spec"]


def test_the_network_policy_opens_the_proxy_and_keeps_cloud_metadata_out() -> None:
    spec = render({})["NetworkPolicy", NAME]["spec"]
    open_ports = [rule["ports"] for rule in spec["ingress"] if "from" not in rule]
    assert [port["port"] for port in open_ports[0]] == ["proxy", "proxy-tls"]
    blocks = [
        peer["ipBlock"] for rule in spec["egress"] for peer in rule["to"] if "ipBlock" in peer
    ]
    assert blocks[0]["except"] == ["169.254.0.0/16"]


def test_a_data_plane_reaches_redis_providers_and_vaults_on_any_port() -> None:
    spec = render({})["NetworkPolicy", NAME]["spec"]
    (anywhere,) = [rule for rule in spec["egress"] if any("ipBlock" in to for to in rule["to"])]
    assert {peer["ipBlock"]["cidr"] for peer in anywhere["to"]} == {"0.0.0.0/0", "::/0"}
    assert "ports" not in anywhere


def test_the_narrowed_network_policy_of_the_manual_takes_the_place_of_the_default() -> None:
    manual = (Path(__file__).parents[4] / "docs" / "operations.md").read_text()
    (block,) = re.findall(r"^```yaml\n(networkPolicy:\n.*?)^```$", manual, re.MULTILINE | re.DOTALL)
    values = yaml.safe_load(block)
    spec = render(values)["NetworkPolicy", NAME]["spec"]
    assert spec["egress"] == values["networkPolicy"]["egress"]
    ports = {port["port"] for rule in spec["egress"] for port in rule["ports"]}
    assert ports == {53, 8005, 9092, 6379, 8200, 443}


def test_a_pod_has_a_token_for_a_vault_only_where_that_is_said() -> None:
    def mounted(values: dict[str, Any]) -> Any:
        objects = render(values)
        pod = objects["Deployment", NAME]["spec"]["template"]["spec"]
        return pod["automountServiceAccountToken"]

    assert mounted({}) is False
    account = {"serviceAccount": {"automountServiceAccountToken": True}}
    assert mounted({"deployment": account}) is True


def status_peers(values: dict[str, Any]) -> list[Any]:
    """Return who is let in to the status port."""
    spec = render(values)["NetworkPolicy", NAME]["spec"]
    rules = [rule for rule in spec["ingress"] if rule["ports"][0]["port"] == "status"]
    assert all(rule["from"] and len(rule["ports"]) == 1 for rule in rules)
    return [peer for rule in rules for peer in rule["from"]]


def test_only_scrapers_reach_the_status_port() -> None:
    """Probes come from the pod's node, which a policy does not hold up: they need no rule."""
    prometheus = {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
    assert status_peers({}) == [{"namespaceSelector": {}, "podSelector": prometheus}]
    assert status_peers({"networkPolicy": {"metricsFrom": []}}) == []
    nodes = {"ipBlock": {"cidr": "10.0.0.0/16"}}
    scraper = {"podSelector": {"matchLabels": {"a": "b"}}}
    policy = {"metricsFrom": [scraper], "probesFrom": [nodes]}
    assert status_peers({"networkPolicy": policy}) == [scraper, nodes]


def test_the_pod_drains_itself_from_inside() -> None:
    """The status API serves that call to the pod's own programs only."""
    pod = container(render({})["Deployment", NAME])
    hook = pod["lifecycle"]["preStop"]["exec"]["command"]
    assert hook[:4] == ["python", "-m", "gateway.probe", "drain"]
    settings = environment(render({})["Deployment", NAME])
    assert status_address(settings)[0] == "127.0.0.1"


def test_metrics_are_scraped_from_a_service_of_their_own() -> None:
    objects = render({"serviceMonitor": {"enabled": True, "interval": "15s"}})
    (endpoint,) = objects["ServiceMonitor", NAME]["spec"]["endpoints"]
    assert endpoint["port"] == "status"
    assert endpoint["path"] == "/metrics"
    status = objects["Service", f"{NAME}-status"]
    assert status["spec"]["clusterIP"] == "None"
    labels = objects["ServiceMonitor", NAME]["spec"]["selector"]["matchLabels"]
    assert labels.items() <= status["metadata"]["labels"].items()
    proxy = objects["Service", f"{NAME}-proxy"]
    assert all(port["name"] != "status" for port in proxy["spec"]["ports"])


def test_every_selector_matches_the_pods() -> None:
    objects = render({"autoscaling": {"enabled": True}})
    labels = objects["Deployment", NAME]["spec"]["template"]["metadata"]["labels"].items()
    for (kind, name), item in objects.items():
        if kind == "Service":
            assert item["spec"]["selector"].items() <= labels, name
        if kind in ("PodDisruptionBudget", "Deployment"):
            assert item["spec"]["selector"]["matchLabels"].items() <= labels, name
        if kind == "NetworkPolicy":
            assert item["spec"]["podSelector"]["matchLabels"].items() <= labels, name


def test_a_declarative_configuration_is_mounted_for_a_standalone_gateway() -> None:
    values = {
        "env": {"role": "traditional"},
        "dblessConfig": {"config": "_format_version: '3.0'\n"},
    }
    objects = render(values)
    settings = environment(objects["Deployment", NAME])
    assert settings["KONG_DECLARATIVE_CONFIG"] == "/kong_dbless/kong.yml"
    data = objects["ConfigMap", f"{NAME}-dbless"]["data"]["kong.yml"]
    assert "_format_version" in data


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"proxi": {}}, "proxi"),
        ({"env": {"role": "dataplane"}}, "data_plane"),
        ({"image": {"digest": "sha256:12"}}, "/image/digest"),
        ({"manager": {"enabled": True}}, "/manager/enabled"),
        ({"ingressController": {"enabled": True}}, "/ingressController/enabled"),
        ({"enterprise": {"rbac": {"enabled": True}}}, "/enterprise/rbac/enabled"),
        ({"proxy": {"type": "Ingress"}}, "/proxy/type"),
        ({"env": {"cluster_server_name": "cp"}}, "/env"),
        ({"podDisruptionBudget": {"minAvailable": 1, "maxUnavailable": 1}}, "podDisruption"),
        ({"autoscaling": {"enabled": True}, "resources": {"requests": None}}, "resources.requests"),
    ],
)
def test_a_wrong_value_is_refused_by_name(values: dict[str, Any], said: str) -> None:
    code, text = run_helm("template", "gw", str(CHART), "-f", "-", values=values)
    assert code != 0
    assert said in text


def test_another_configuration_in_the_values_makes_new_pods_and_keeps_annotations() -> None:
    def annotations(config: str) -> dict[str, str]:
        values = {
            "env": {"role": "traditional"},
            "dblessConfig": {"config": config},
            "podAnnotations": {"mine": "1"},
        }
        template = render(values)["Deployment", NAME]["spec"]["template"]
        found: dict[str, str] = template["metadata"]["annotations"]
        return found

    one, other = annotations("_format_version: '3.0'\n"), annotations("_format_version: '1.1'\n")
    assert one["mine"] == other["mine"] == "1"
    assert one["checksum/dbless"] != other["checksum/dbless"]
    assert one == annotations("_format_version: '3.0'\n")


def test_a_configuration_that_is_not_the_charts_has_no_digest_here() -> None:
    values = {"env": {"role": "traditional"}, "dblessConfig": {"configMap": "mine"}}
    template = render(values)["Deployment", NAME]["spec"]["template"]
    assert "annotations" not in template["metadata"]


@pytest.mark.parametrize(
    ("given", "shown"), [("1", "1"), ("20261128", "20261128"), ("1.10", "1.10"), ("v1", "v1")]
)
def test_a_tag_given_on_the_command_line_is_that_tag(given: str, shown: str) -> None:
    words = ("template", "gw", str(CHART), "--set", f"image.tag={given}")
    code, text = run_helm(*words)
    assert code == 0, text
    assert f'image: "kafka-gateway:{shown}"' in text


def test_a_tag_that_a_values_file_makes_a_fraction_is_refused() -> None:
    code, text = run_helm("template", "gw", str(CHART), "-f", "-", values={"image": {"tag": 1.1}})
    assert code != 0
    assert "image" in text
    assert "tag" in text
