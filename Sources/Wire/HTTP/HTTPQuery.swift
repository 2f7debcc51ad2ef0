/// The parameters of a query, in order.
package struct HTTPQuery: Sendable, Equatable {
    package struct Parameter: Sendable, Equatable {
        package let name: String
        package let value: String
    }

    package private(set) var parameters: [Parameter] = []

    package init() {}

    /// A parameter without `=` has an empty value; between two `&` stands none.
    init(_ octets: ArraySlice<UInt8>) throws(HTTPParseError) {
        var start = octets.startIndex
        for index in start...octets.endIndex
        where index == octets.endIndex || octets[index] == HTTPOctet.ampersand {
            if index > start { parameters.append(try Self.parameter(octets[start..<index])) }
            guard parameters.count <= Self.limit else {
                throw HTTPParseError("the query has more than \(Self.limit) parameters")
            }
            start = index + 1
        }
    }

    package var isEmpty: Bool { parameters.isEmpty }

    package func first(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }

    package func all(_ name: String) -> [String] {
        parameters.filter { $0.name == name }.map(\.value)
    }

    private static let limit = 1000

    private static func parameter(_ octets: ArraySlice<UInt8>) throws(HTTPParseError) -> Parameter {
        let equals = octets.firstIndex(of: HTTPOctet.equals) ?? octets.endIndex
        guard let name = PercentCoding.text(octets[..<equals], plusIsSpace: true),
            let value = PercentCoding.text(octets[equals...].dropFirst(), plusIsSpace: true)
        else { throw HTTPParseError("the query holds a broken escape, a NUL or no UTF-8") }
        return Parameter(name: name, value: value)
    }
}
