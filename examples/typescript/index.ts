// SPDX-License-Identifier: Apache-2.0
// Routes on a control plane that is there. `make sdks && . tools/env`, then in this folder:
// `pulumi package add ../../provider`, `pulumi config set adminUrl http://127.0.0.1:8001`,
// `pulumi config set --secret adminToken …`.
import * as pulumi from "@pulumi/pulumi";
import * as gateway from "@pulumi/gateway";

const config = new pulumi.Config();
const admin = { url: config.require("adminUrl"), token: config.requireSecret("adminToken") };

const routes = new gateway.Configuration("routes", {
  admin,
  owner: `${pulumi.getProject()}-${pulumi.getStack()}`,
  message: "from examples/typescript",
  document: {
    services: {
      orders: {
        host: "orders.invalid",
        routes: {
          orders: {
            paths: ["/orders"],
            plugins: {
              "kafka-upstream": {
                config: { topic: "orders", bootstrap_servers: [{ host: "127.0.0.1", port: 9092 }] },
              },
            },
          },
        },
      },
    },
  },
});

export const release: pulumi.Output<number> = routes.release;
