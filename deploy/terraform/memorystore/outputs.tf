locals {
  connections = flatten([
    for endpoint in google_memorystore_instance.this.endpoints : [
      for connection in endpoint.connections : connection.psc_auto_connection
    ]
  ])
  discovery = one([
    for connection in local.connections : connection if connection.connection_type == "CONNECTION_TYPE_DISCOVERY"
  ])
}

output "marrow_environment" {
  description = "What Marrow needs to connect, but for secrets."
  value = {
    MARROW_REDIS_URL = "rediss+cluster://${local.discovery.ip_address}:${local.discovery.port}"
  }
}

output "marrow_redis_ca" {
  description = "The certificates (PEM) for MARROW_REDIS_CA."
  value       = join("\n", flatten([for ca in google_memorystore_instance.this.managed_server_ca : [for one in ca.ca_certs : one.certificates]]))
}
