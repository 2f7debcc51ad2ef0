/// The octets cut at these places, in order.
func pieces(of octets: [UInt8], at cuts: [Int]) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var start = 0
    for cut in cuts.sorted() + [octets.count] {
        pieces.append(Array(octets[start..<cut]))
        start = cut
    }
    return pieces
}

/// Every line end as CRLF.
func normalized(_ octets: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    var previous: UInt8 = 0
    for octet in octets {
        if octet == 13 || octet == 10, !(octet == 10 && previous == 13) { output += [13, 10] }
        if octet != 13, octet != 10 { output.append(octet) }
        previous = octet
    }
    return output
}
