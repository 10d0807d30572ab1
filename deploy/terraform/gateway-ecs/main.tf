# Gateway and worker on Fargate behind an application load balancer of yours.

locals {
  drain = {
    MARROW_DRAIN_DELAY_MS = tostring(var.drain_delay_ms)
    MARROW_DRAIN_MS       = tostring(var.drain_ms)
  }
  roles = {
    gateway = { command = ["serve"], count = var.gateways, most = var.gateways_max, environment = { MARROW_BACKGROUND = "false" } }
    worker  = { command = ["worker"], count = var.workers, most = var.workers_max, environment = {} }
  }
  drain_seconds = ceil((var.drain_delay_ms + var.drain_ms) / 1000)
  # A secret's ARN has seven parts; what ECS takes behind them says which field of it is meant.
  secret_arns = [for arn in values(var.secret_arns) : join(":", slice(split(":", arn), 0, min(7, length(split(":", arn)))))]
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/marrow/${var.name}"
  retention_in_days = var.log_days
  tags              = var.tags
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "execution" {
  name_prefix        = "${var.name}-"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = var.tags
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

data "aws_iam_policy_document" "secrets" {
  count = length(var.secret_arns) > 0 ? 1 : 0

  statement {
    actions   = ["secretsmanager:GetSecretValue", "ssm:GetParameters"]
    resources = local.secret_arns
  }

  dynamic "statement" {
    for_each = length(var.kms_key_arns) > 0 ? [1] : []

    content {
      actions   = ["kms:Decrypt"]
      resources = var.kms_key_arns
    }
  }
}

resource "aws_iam_role_policy" "secrets" {
  count = length(var.secret_arns) > 0 ? 1 : 0

  name_prefix = "secrets-"
  role        = aws_iam_role.execution.id
  policy      = data.aws_iam_policy_document.secrets[0].json
}

resource "aws_security_group" "this" {
  name_prefix = "${var.name}-"
  description = "Marrow"
  vpc_id      = var.vpc_id
  tags        = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  count = length(var.load_balancer_security_group_ids)

  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = var.load_balancer_security_group_ids[count.index]
  from_port                    = 8080
  to_port                      = 8080
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.this.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_lb_target_group" "this" {
  name_prefix = "marrow"
  vpc_id      = var.vpc_id
  port        = 8080
  protocol    = "HTTP"
  target_type = "ip"
  # ECS takes a task out of the group before it stops it; what runs then has this long.
  deregistration_delay = local.drain_seconds
  tags                 = var.tags

  health_check {
    path                = var.health_path
    matcher             = "200"
    interval            = 5
    timeout             = 3
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener_rule" "this" {
  listener_arn = var.listener_arn
  tags         = var.tags

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }

  condition {
    host_header {
      values = var.hosts
    }
  }
}

resource "aws_ecs_task_definition" "this" {
  for_each = local.roles

  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  tags                     = var.tags

  container_definitions = jsonencode([
    {
      name                   = each.key
      image                  = var.image
      command                = each.value.command
      essential              = true
      readonlyRootFilesystem = true
      user                   = "10001:10001"
      stopTimeout            = local.drain_seconds + 5
      portMappings           = each.key == "gateway" ? [{ containerPort = 8080, protocol = "tcp" }] : []
      environment = [
        for name, value in merge(local.drain, each.value.environment, var.environment) : { name = name, value = value }
      ]
      secrets = [for name, arn in var.secret_arns : { name = name, valueFrom = arn }]
      healthCheck = each.key == "gateway" ? {
        command     = ["CMD", "marrow", "health"]
        interval    = 10
        timeout     = 5
        retries     = 3
        startPeriod = 30
      } : null
      # The image declares /tmp as a volume, so Fargate keeps its mode: writable for user 10001.
      mountPoints = [{ sourceVolume = "scratch", containerPath = "/tmp" }]
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.this.name
          awslogs-region        = var.region
          awslogs-stream-prefix = each.key
        }
      }
    }
  ])

  volume {
    name = "scratch"
  }

  lifecycle {
    precondition {
      condition     = local.drain_seconds + 5 <= 120
      error_message = "drain_ms and drain_delay_ms may be 115,000 together: Fargate kills a task after 120 s."
    }
  }
}

resource "aws_ecs_service" "this" {
  for_each = local.roles

  name                               = "${var.name}-${each.key}"
  cluster                            = var.cluster_arn
  task_definition                    = aws_ecs_task_definition.this[each.key].arn
  desired_count                      = each.value.count
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = each.key == "gateway" ? var.health_grace_seconds : null
  propagate_tags                     = "SERVICE"
  tags                               = var.tags

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = false
  }

  dynamic "load_balancer" {
    for_each = each.key == "gateway" ? [1] : []

    content {
      target_group_arn = aws_lb_target_group.this.arn
      container_name   = "gateway"
      container_port   = 8080
    }
  }

  # The autoscaler below sets it, between the least and the most.
  lifecycle {
    ignore_changes = [desired_count]
  }

  depends_on = [aws_lb_listener_rule.this, aws_iam_role_policy.secrets]
}

resource "aws_appautoscaling_target" "this" {
  for_each = local.roles

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${element(split("/", var.cluster_arn), -1)}/${aws_ecs_service.this[each.key].name}"
  min_capacity       = each.value.count
  max_capacity       = max(each.value.count, each.value.most)
}

resource "aws_appautoscaling_policy" "cpu" {
  for_each = local.roles

  name               = "${var.name}-${each.key}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[each.key].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[each.key].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[each.key].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.cpu_percent
    scale_in_cooldown  = 300
    scale_out_cooldown = 30

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
