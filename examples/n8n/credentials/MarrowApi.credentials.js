/** Credentials of n8n for a Marrow gateway. */
class MarrowApi {
  name = "marrowApi";
  displayName = "Marrow API";
  /** @type {import("n8n-workflow").INodeProperties[]} */
  properties = [
    {
      displayName: "Base URL",
      name: "baseUrl",
      type: "string",
      default: "http://localhost:8080/v1",
      description: "Where the gateway is, with /v1",
    },
    {
      displayName: "API Key",
      name: "apiKey",
      type: "string",
      typeOptions: { password: true },
      default: "",
      description: "A key that begins with mrw_. Keys that act for any user may name the user of each call.",
    },
  ];
  /** @type {import("n8n-workflow").IAuthenticateGeneric} */
  authenticate = {
    type: "generic",
    properties: { headers: { authorization: "=Bearer {{$credentials.apiKey}}" } },
  };
  /** @type {import("n8n-workflow").ICredentialTestRequest} */
  test = { request: { baseURL: "={{$credentials.baseUrl}}", url: "/models" } };
}

module.exports = { MarrowApi };
