enum MultipartDelimiter {
    /// How many octets certainly stand ahead of the delimiter, and whether all of it follows them.
    ///
    /// A delimiter holds one CR, its first octet. So after a partial match the search goes on
    /// behind it, and no octet is looked at more than twice.
    static func search(
        _ delimiter: [UInt8],
        in input: HTTPInput
    ) -> (clear: Int, isFound: Bool) {
        let bytes = input.octets.span.extracting(input.start..<input.octets.count)
        let wanted = delimiter.span
        var index = 0
        while index < bytes.count {
            guard bytes[index] == HTTPOctet.carriageReturn else {
                index += 1
                continue
            }
            var matched = 1
            while matched < wanted.count, index + matched < bytes.count,
                bytes[index + matched] == wanted[matched]
            { matched += 1 }
            if matched == wanted.count { return (index, true) }
            if index + matched == bytes.count { return (index, false) }
            index += matched
        }
        return (index, false)
    }
}
