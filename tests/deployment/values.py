"""Values that the chart is rendered with: what a deployment says, by what is special about it."""

from typing import Any

Values = dict[str, Any]

#: The least that must be said.
LEAST: Values = {
    "publicBaseUrl": "https://crd.payer.example",
    "auth": {"clientsSecret": "crd-clients"},
    "database": {"secret": "crd-database"},
}

INGRESS: Values = {**LEAST, "trustedProxies": "10.1.0.0/16", "ingress": {"enabled": True, "tlsSecret": "crd-tls"}}

SQLITE: Values = {**LEAST, "replicas": 1, "database": {"sqlite": {"enabled": True}}}

SETS: dict[str, Values] = {
    "least": LEAST,
    "ingress": INGRESS,
    "autoscaling": {**LEAST, "autoscaling": {"enabled": True, "callsInFlight": 40}},
    "mutual TLS": {
        **LEAST,
        "tls": {"secret": "crd-tls", "clientCaSecret": "client-ca"},
        "service": {"type": "LoadBalancer", "port": 443, "loadBalancerSourceRanges": ["203.0.113.0/24"]},
    },
    "TLS": {**LEAST, "tls": {"secret": "crd-tls"}},
    "SQLite": SQLITE,
    "OpenShift": {**LEAST, "runAsUser": None, "serviceAccount": {"create": False}, "networkPolicy": {"enabled": False}},
    "console": {
        **INGRESS,
        "console": {
            "enabled": True,
            "keySecret": "crd-console",
            "oidcIssuer": "https://login.payer.example",
            "oidcClient": "crd",
            "oidcSecret": "crd-oidc",
        },
        "settings": {"CRD_OIDC_CLAIM": "realm_access.roles"},
    },
    "everything": {
        **INGRESS,
        "image": {"repository": "registry.example/crd", "digest": "sha256:" + "0" * 64, "pullSecrets": ["registry"]},
        "audit": {"keysSecret": "crd-audit"},
        "rateStore": {"secret": "crd-valkey"},
        "migrations": {"secret": "crd-owner"},
        "rules": {
            "policies": {"volume": {"configMap": {"name": "policies"}}},
            "payers": {"volume": {"persistentVolumeClaim": {"claimName": "rules"}}, "path": "release-7/payers"},
        },
        "settings": {"CRD_RATE": "500/second", "CRD_MAX_BODY_BYTES": 1048576, "CRD_ANNOTATE_SUPPORTING_HOOKS": True},
        "extraEnv": [{"name": "OTEL_SERVICE_NAME", "value": "crd"}],
        "autoscaling": {"enabled": True, "minReplicas": 3, "maxReplicas": 12, "cpuUtilization": 0, "callsInFlight": 40},
        "metrics": {
            "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
            "prometheusRule": {"enabled": True},
            "dashboard": {"enabled": True},
        },
        "networkPolicy": {
            "database": [{"ipBlock": {"cidr": "10.2.0.10/32"}}],
            "valkey": [{"podSelector": {"matchLabels": {"app": "valkey"}}}],
            "extraEgress": [{"ports": [{"port": 4318, "protocol": "TCP"}]}],
        },
        "nodeSelector": {"pool": "services"},
        "tolerations": [{"key": "services", "operator": "Exists"}],
        "priorityClassName": "clinical",
        "podAnnotations": {"note": "1"},
        "podLabels": {"team": "coverage"},
    },
}
