# Credentials come from REDISCLOUD_ACCESS_KEY and REDISCLOUD_SECRET_KEY.
provider "rediscloud" {}

provider "aws" {
  region = "eu-west-1"
}

module "redis" {
  source = "../../redis-cloud"

  name                  = "marrow"
  region                = "eu-west-1"
  dataset_size_in_gb    = 5
  operations_per_second = 10000
  source_ips            = ["10.20.0.0/16"]

  aws_peering = {
    account_id = "123456789012"
    region     = "eu-west-1"
    vpc_id     = "vpc-0123456789abcdef0"
    vpc_cidrs  = ["10.20.0.0/16"]
  }
}

resource "aws_vpc_peering_connection_accepter" "redis" {
  vpc_peering_connection_id = module.redis.aws_peering_id
  auto_accept               = true
}

# One for each route table of the gateways' subnets. The destination is the module's deployment_cidr.
resource "aws_route" "redis" {
  route_table_id            = "rtb-0123456789abcdef0"
  destination_cidr_block    = "10.90.0.0/24"
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.redis.id
}

output "marrow_environment" {
  value = module.redis.marrow_environment
}
