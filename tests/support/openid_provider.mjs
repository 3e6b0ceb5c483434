// SPDX-License-Identifier: Apache-2.0
// An OpenID provider for tests (npm: oidc-provider): its port and its private keys are arguments.
import { Provider } from 'oidc-provider';

const [port, keys] = process.argv.slice(2);
const machine = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: JSON.parse(keys) },
  clients: [
    { client_id: 'shop', client_secret: 'shop-secret', ...machine },
    { client_id: 'gateway', client_secret: 'gateway-secret', ...machine },
  ],
  scopes: ['orders', 'returns'],
  clientDefaults: { id_token_signed_response_alg: 'RS256' },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: 'orders returns',
        audience: 'urn:orders',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
      }),
    },
  },
});
provider.listen(Number(port), '127.0.0.1');
