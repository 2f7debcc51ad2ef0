/// What the fields say about the message itself. Whatever two readers could understand in two
/// ways is refused: that is what request smuggling lives on (RFC 9112 §11.2).
struct HTTPMessageFacts: Sendable {
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var hosts = 0
    private(set) var host: Range<Int>?
    private(set) var closes = false
    private(set) var asksKeepAlive = false
    private(set) var expectsContinue = false
    private var hasTransferEncoding = false

    init(_ fields: HTTPFields, _ version: HTTPVersion) throws(HTTPParseError) {
        for line in fields.lines {
            switch line.nameLength {
            case 4 where fields.octets[line.name].equalsIgnoringCase("host"):
                hosts += 1
                host = line.value
            case 6 where fields.octets[line.name].equalsIgnoringCase("expect"):
                readExpectation(fields.octets[line.value])
            case 10 where fields.octets[line.name].equalsIgnoringCase("connection"):
                readConnection(fields.octets[line.value])
            case 14 where fields.octets[line.name].equalsIgnoringCase("content-length"):
                try readContentLength(fields.octets[line.value])
            case 17 where fields.octets[line.name].equalsIgnoringCase("transfer-encoding"):
                try readTransferEncoding(fields.octets[line.value], version)
            default: break
            }
        }
        if hasTransferEncoding, contentLength != nil {
            throw HTTPParseError("both Transfer-Encoding and Content-Length are given")
        }
    }

    /// RFC 9112 §9.3.
    func keepsAlive(_ version: HTTPVersion) -> Bool {
        !closes && (version == .http11 || asksKeepAlive)
    }

    private mutating func readConnection(_ value: ArraySlice<UInt8>) {
        for option in HTTPFields.elements(of: value) {
            if option.equalsIgnoringCase("close") { closes = true }
            if option.equalsIgnoringCase("keep-alive") { asksKeepAlive = true }
        }
    }

    private mutating func readExpectation(_ value: ArraySlice<UInt8>) {
        if value.equalsIgnoringCase("100-continue") { expectsContinue = true }
    }

    /// RFC 9112 §6.3 would take "5, 5" for 5; here a length is one number and stands once.
    private mutating func readContentLength(_ value: ArraySlice<UInt8>) throws(HTTPParseError) {
        guard contentLength == nil else {
            throw HTTPParseError("Content-Length is given twice")
        }
        guard !value.isEmpty, value.allSatisfy(HTTPOctet.isDigit) else {
            throw HTTPParseError("Content-Length is not a number")
        }
        var length = 0
        for digit in value {
            let (tens, isTooLong) = length.multipliedReportingOverflow(by: 10)
            let (sum, isTooMuch) = tens.addingReportingOverflow(Int(digit) - 0x30)
            guard !isTooLong, !isTooMuch else {
                throw HTTPParseError("Content-Length is beyond every number known here")
            }
            length = sum
        }
        contentLength = length
    }

    private mutating func readTransferEncoding(
        _ value: ArraySlice<UInt8>,
        _ version: HTTPVersion
    ) throws(HTTPParseError) {
        guard version == .http11 else {  // RFC 9112 §6.1: treat as faulty framing
            throw HTTPParseError("HTTP/1.0 knows no Transfer-Encoding")
        }
        hasTransferEncoding = true
        let codings = HTTPFields.elements(of: value)
        guard !codings.isEmpty else { throw HTTPParseError("Transfer-Encoding is empty") }
        for coding in codings {
            guard coding.equalsIgnoringCase("chunked") else {
                throw HTTPParseError(
                    status: 501,
                    "no transfer coding but chunked is understood"
                )
            }
            guard !isChunked else { throw HTTPParseError("the content is chunked twice") }
            isChunked = true
        }
    }
}
