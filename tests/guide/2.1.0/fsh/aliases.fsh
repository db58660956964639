// Code Systems
// Code Systems - external
Alias: $cpt = http://www.ama-assn.org/go/cpt
Alias: $HCPCSReleaseCodeSets = https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets
Alias: $loinc = http://loinc.org
Alias: $rxnorm = http://www.nlm.nih.gov/research/umls/rxnorm
Alias: $raceEthnicity = urn:oid:2.16.840.1.113883.6.238
Alias: $sct = http://snomed.info/sct
// Code Systems - HL7
Alias: $fhir-types                   = http://hl7.org/fhir/data-types
Alias: $restful-interaction          = http://hl7.org/fhir/restful-interaction
Alias: $task-code                    = http://hl7.org/fhir/CodeSystem/task-code
Alias: $communication-category       = http://terminology.hl7.org/CodeSystem/communication-category
Alias: $coverage-class               = http://terminology.hl7.org/CodeSystem/coverage-class
Alias: $diet                         = http://terminology.hl7.org/CodeSystem/diet
Alias: $dose-rate-type               = http://terminology.hl7.org/CodeSystem/dose-rate-type
Alias: $ex-visionprescriptionproduct = http://terminology.hl7.org/CodeSystem/ex-visionprescriptionproduct
Alias: $location-physical-type       = http://terminology.hl7.org/CodeSystem/location-physical-type
Alias: $service-category             = http://terminology.hl7.org/CodeSystem/service-category
Alias: $service-type                 = http://terminology.hl7.org/CodeSystem/service-type
Alias: $subscriber-relationship      = http://terminology.hl7.org/CodeSystem/subscriber-relationship
Alias: $v2-0203                      = http://terminology.hl7.org/CodeSystem/v2-0203
Alias: $v2-0276                      = http://terminology.hl7.org/CodeSystem/v2-0276
Alias: $v2-0360                      = http://terminology.hl7.org/CodeSystem/v2-0360
Alias: $v3-ActCode                   = http://terminology.hl7.org/CodeSystem/v3-ActCode
Alias: $v3-ActReason                 = http://terminology.hl7.org/CodeSystem/v3-ActReason
Alias: $v3-LocationRoleType          = http://terminology.hl7.org/ValueSet/v3-ServiceDeliveryLocationRoleType
Alias: $v3-NullFlavor                = http://terminology.hl7.org/CodeSystem/v3-NullFlavor
Alias: $v3-ParticipationMode         = http://terminology.hl7.org/CodeSystem/v3-ParticipationMode
Alias: $v3-ParticipationType         = http://terminology.hl7.org/CodeSystem/v3-ParticipationType
Alias: $v3-RoleCode                  = http://terminology.hl7.org/CodeSystem/v3-RoleCode
// Code Systems - IG
Alias: $temp           = http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp
Alias: $temp_1         = http://hl7.org/fhir/uv/sdc/CodeSystem/temp
Alias: $OriginValueSet = http://hl7.org/fhir/us/davinci-dtr/ValueSet/Origin-vs
// Resources
Alias: $Appointment          = http://hl7.org/fhir/StructureDefinition/Appointment
Alias: $CommunicationRequest = http://hl7.org/fhir/StructureDefinition/CommunicationRequest
Alias: $Coverage             = http://hl7.org/fhir/StructureDefinition/Coverage
Alias: $Device               = http://hl7.org/fhir/StructureDefinition/Device
Alias: $DeviceRequest        = http://hl7.org/fhir/StructureDefinition/DeviceRequest
Alias: $MedicationRequest    = http://hl7.org/fhir/StructureDefinition/MedicationRequest
Alias: $NutritionOrder       = http://hl7.org/fhir/StructureDefinition/NutritionOrder
Alias: $ServiceRequest       = http://hl7.org/fhir/StructureDefinition/ServiceRequest
Alias: $VisionPrescription   = http://hl7.org/fhir/StructureDefinition/VisionPrescription
// Extensions
Alias: $extension-CommunicationRequest.payload.content = http://hl7.org/fhir/5.0/StructureDefinition/extension-CommunicationRequest.payload.content[x]
Alias: $fmm                                            = http://hl7.org/fhir/StructureDefinition/structuredefinition-fmm
Alias: $standards-status                               = http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status
Alias: $compliesWithProfile                            = http://hl7.org/fhir/StructureDefinition/structuredefinition-compliesWithProfile
Alias: $typeMS                                         = http://hl7.org/fhir/StructureDefinition/elementdefinition-type-must-support
// ValueSets
Alias: $USCoreMedicationCodes = http://cts.nlm.nih.gov/fhir/ValueSet/2.16.840.1.113762.1.4.1010.4