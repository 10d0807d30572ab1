provider "aws" {
  region = "eu-west-1"
}

variable "password" {
  type      = string
  sensitive = true
}

variable "search_parameter_group" {
  type = string
}

module "memorydb" {
  source = "../../memorydb"

  name                      = "marrow"
  parameter_group_name      = var.search_parameter_group
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_ids = ["sg-0123456789abcdef0"]
  password                  = var.password
}

output "marrow_environment" {
  value = module.memorydb.marrow_environment
}
