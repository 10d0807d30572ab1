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
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_ids = [module.gateway.security_group_id]
  auth_token                = var.auth_token
}

module "gateway" {
  source = "../../gateway-ecs"

  region                           = "eu-west-1"
  cluster_arn                      = "arn:aws:ecs:eu-west-1:123456789012:cluster/ai"
  image                            = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/marrow:0.2.0"
  vpc_id                           = "vpc-0123456789abcdef0"
  subnet_ids                       = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  load_balancer_security_group_ids = ["sg-0123456789abcdef0"]
  listener_arn                     = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/ai/0/1"
  hosts                            = ["llm.example.com"]
  environment                      = merge(module.valkey.marrow_environment, { MARROW_UPSTREAM_URL = "https://api.openai.com/v1" })

  secret_arns = {
    MARROW_REDIS_PASSWORD = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:marrow-redis-AbCdEf"
    MARROW_UPSTREAM_KEY   = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:openai-AbCdEf:key::"
  }
}
