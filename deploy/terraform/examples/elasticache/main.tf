provider "aws" {
  region = "eu-west-1"
}

variable "auth_token" {
  type      = string
  sensitive = true
}

module "valkey" {
  source = "../../elasticache"

  name                      = "marrow"
  node_type                 = "cache.r7g.large"
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_ids = ["sg-0123456789abcdef0"]
  auth_token                = var.auth_token
}

output "marrow_environment" {
  value = module.valkey.marrow_environment
}
