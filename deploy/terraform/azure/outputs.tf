output "marrow_environment" {
  description = "What Marrow needs to connect, but for secrets."
  value = {
    MARROW_REDIS_URL = "rediss://${azurerm_managed_redis.this.hostname}:${azurerm_managed_redis.this.default_database[0].port}"
  }
}

output "marrow_secrets" {
  description = "The secrets of the connection: put them into your store of secrets."
  sensitive   = true
  value = {
    MARROW_REDIS_PASSWORD = azurerm_managed_redis.this.default_database[0].primary_access_key
  }
}
