(module
  (import "m" "memory" (memory 1))
  (func (export "dots") (param $query i32) (param $row i32) (param $count i32) (param $stride i32) (param $out i32)
    (local $end i32) (local $q i32) (local $even v128) (local $odd v128) (local $bytes v128)
    (block $done
      (loop $rows
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $even (v128.const i32x4 0 0 0 0))
        (local.set $odd (v128.const i32x4 0 0 0 0))
        (local.set $end (i32.add (local.get $row) (local.get $stride)))
        (local.set $q (local.get $query))
        (loop $numbers
          (local.set $bytes (v128.load (local.get $row)))
          (local.set $even (i32x4.add (local.get $even)
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_s (local.get $bytes)) (v128.load (local.get $q)))))
          (local.set $odd (i32x4.add (local.get $odd)
            (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_s (local.get $bytes)) (v128.load offset=16 (local.get $q)))))
          (local.set $bytes (v128.load offset=16 (local.get $row)))
          (local.set $even (i32x4.add (local.get $even)
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_s (local.get $bytes)) (v128.load offset=32 (local.get $q)))))
          (local.set $odd (i32x4.add (local.get $odd)
            (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_s (local.get $bytes)) (v128.load offset=48 (local.get $q)))))
          (local.set $row (i32.add (local.get $row) (i32.const 32)))
          (local.set $q (i32.add (local.get $q) (i32.const 64)))
          (br_if $numbers (i32.lt_u (local.get $row) (local.get $end))))
        (local.set $even (i32x4.add (local.get $even) (local.get $odd)))
        (i32.store (local.get $out)
          (i32.add
            (i32.add (i32x4.extract_lane 0 (local.get $even)) (i32x4.extract_lane 1 (local.get $even)))
            (i32.add (i32x4.extract_lane 2 (local.get $even)) (i32x4.extract_lane 3 (local.get $even)))))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $rows))))
  ;; Which rows may be above a floor: writes their places and answers how many. Reads four at once, to the next multiple of four.
  (func (export "pick") (param $sums i32) (param $count i32) (param $factors i32) (param $offsets i32)
    (param $scale f32) (param $floor f32) (param $out i32) (result i32)
    (local $at i32) (local $bits i32) (local $picked i32) (local $floors v128) (local $scales v128)
    (local.set $floors (f32x4.splat (local.get $floor)))
    (local.set $scales (f32x4.splat (local.get $scale)))
    (block $done
      (loop $rows
        (br_if $done (i32.ge_s (local.get $at) (local.get $count)))
        (local.set $bits (i32x4.bitmask (f32x4.gt
          (f32x4.sub
            (f32x4.mul
              (f32x4.mul (f32x4.convert_i32x4_s (v128.load (local.get $sums))) (v128.load (local.get $factors)))
              (local.get $scales))
            (v128.load (local.get $offsets)))
          (local.get $floors))))
        (block $none
          (loop $bit
            (br_if $none (i32.eqz (local.get $bits)))
            (i32.store (local.get $out) (i32.add (local.get $at) (i32.ctz (local.get $bits))))
            (local.set $out (i32.add (local.get $out) (i32.const 4)))
            (local.set $picked (i32.add (local.get $picked) (i32.const 1)))
            (local.set $bits (i32.and (local.get $bits) (i32.sub (local.get $bits) (i32.const 1))))
            (br $bit)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 16)))
        (local.set $factors (i32.add (local.get $factors) (i32.const 16)))
        (local.set $offsets (i32.add (local.get $offsets) (i32.const 16)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $rows)))
    (local.get $picked)))
