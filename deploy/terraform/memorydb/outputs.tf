output "marrow_environment" {
  description = "What Marrow needs to connect, but for secrets."
  value = {
    MARROW_APP            = var.app
    MARROW_REDIS_URL      = "rediss+cluster://${aws_memorydb_cluster.this.cluster_endpoint[0].address}:${aws_memorydb_cluster.this.cluster_endpoint[0].port}"
    MARROW_REDIS_USERNAME = aws_memorydb_user.marrow.user_name
  }
}

output "marrow_secrets" {
  description = "The secrets of the connection: put them into your store of secrets."
  sensitive   = true
  value = {
    MARROW_REDIS_PASSWORD = var.password
  }
}
