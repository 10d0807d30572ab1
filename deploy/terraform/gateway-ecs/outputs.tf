output "security_group_id" {
  description = "The security group of gateways and workers: let it connect to Redis."
  value       = aws_security_group.this.id
}

output "target_group_arn" {
  description = "The target group of the gateways."
  value       = aws_lb_target_group.this.arn
}
