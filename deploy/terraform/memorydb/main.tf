# MemoryDB: what was acknowledged is in a log over several zones, so nothing of Marrow's is lost by a fail-over. With search it has one shard
# and ten indexes.

resource "aws_memorydb_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
  tags       = var.tags
}

resource "aws_security_group" "this" {
  name_prefix = "${var.name}-"
  description = "Marrow to MemoryDB"
  vpc_id      = var.vpc_id
  tags        = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  count = length(var.client_security_group_ids)

  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = var.client_security_group_ids[count.index]
  from_port                    = 6379
  to_port                      = 6379
  ip_protocol                  = "tcp"
}

# The rights are those of docs/operations.md.
resource "aws_memorydb_user" "marrow" {
  user_name     = var.user_name
  access_string = "on resetkeys ~{${var.app}:* ~{${var.app}}:* ~${var.app}:vectors:* resetchannels &{${var.app}:* &${var.app}:gateway:* -@all +@read +@write +@scripting +@connection +@pubsub +@blocking -@dangerous +info +time +command +cluster +ft.create +ft.search"
  tags          = var.tags

  authentication_mode {
    type      = "password"
    passwords = [var.password]
  }
}

resource "aws_memorydb_acl" "this" {
  name       = var.name
  user_names = [aws_memorydb_user.marrow.user_name]
  tags       = var.tags
}

resource "aws_memorydb_cluster" "this" {
  name                       = var.name
  description                = "Marrow"
  engine                     = var.engine
  engine_version             = var.engine_version
  node_type                  = var.node_type
  num_shards                 = 1
  num_replicas_per_shard     = var.replicas
  parameter_group_name       = var.parameter_group_name
  acl_name                   = aws_memorydb_acl.this.name
  tls_enabled                = true
  subnet_group_name          = aws_memorydb_subnet_group.this.name
  security_group_ids         = [aws_security_group.this.id]
  snapshot_retention_limit   = var.snapshot_days
  maintenance_window         = var.maintenance_window
  auto_minor_version_upgrade = true
  tags                       = var.tags

  # It holds sessions, keys and jobs: take this block away to delete it.
  lifecycle {
    prevent_destroy = true
  }
}
